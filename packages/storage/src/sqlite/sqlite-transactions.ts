import type { SqliteDatabase } from "./sqlite-database.js";

/**
 * The transactions of one connection, one at a time. Each is over when `run` returns or throws; when even that fails, it
 * is ended before anything else is done, so that nothing is taken for committed that happens inside it.
 */
export class SqliteTransactions {
  readonly #database: SqliteDatabase;
  #mayBeOpen = false;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  /** Does `work` as of one moment, and commits it; undoes it when anything throws. */
  run<Result>(begin: "BEGIN" | "BEGIN IMMEDIATE", work: () => Result): Result {
    this.settle();
    try {
      this.#database.execute(begin);
      const result = work();
      this.#database.execute("COMMIT");
      return result;
    } catch (error) {
      this.#mayBeOpen = true;
      this.#trySettle();
      throw error;
    }
  }

  /** Ends the transaction that a failure has left open, if there is one. Throws when it cannot. */
  settle(): void {
    if (!this.#mayBeOpen) return;
    try {
      this.#database.execute("ROLLBACK");
    } catch (error) {
      // It was never begun, or SQLite has rolled back by itself, as it does when the disk is full.
      if (!(error instanceof Error && error.message.includes("no transaction is active"))) throw error;
    }
    this.#mayBeOpen = false;
  }

  #trySettle(): void {
    try {
      this.settle();
    } catch {
      // The next one who uses the connection tries again; what counts now is the error that led here.
    }
  }
}
