import fs from "node:fs";
import { locate } from "../file/locate.js";
import { StorageError } from "../storage-error.js";
import { type SqliteDatabase, openDatabase } from "./sqlite-database.js";
import { SqliteTransactions } from "./sqlite-transactions.js";
import { attemptMs, waitForLock } from "./wait-for-lock.js";

/** Tells our databases from those of other programs, in the `application_id`: "mxst". */
const applicationId = 0x6d_78_73_74;

/** The version of the tables, in the database's `user_version`. */
const format = 1;

/** How large a database is looked through when it is opened, which takes a millisecond for each million bytes. */
const maxCheckedBytes = 32 * 1024 * 1024;

/** What can be chosen about the opening. */
export interface OpeningOptions {
  readonly durability: "power-loss" | "process";
  /** How long the opening waits for the lock of another process. */
  readonly waitMs: number;
  /** Ends the waiting; its reason is what the opening rejects with. */
  readonly signal?: AbortSignal | undefined;
}

/** Opens the database at `path`, or makes it. Rejects, and leaves it as it is, when it is none of a storage. */
export async function openOurDatabase(path: string, options: OpeningOptions): Promise<SqliteDatabase> {
  options.signal?.throwIfAborted();
  const file = await locate(path);
  makeFile(file);
  const database = await openDatabase(file);
  try {
    await new Preparation(database, path, options).finish();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * SQLite gives its other files the mode of this one. A file that is there is left closed: when a process closes a file,
 * it loses all locks that it has on it, those of a database that it has open among them. So it is in one step, too.
 */
function makeFile(file: string): void {
  try {
    fs.closeSync(fs.openSync(file, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    // SQLite would open it for reading only, and fail later.
    fs.accessSync(file, fs.constants.R_OK | fs.constants.W_OK);
  }
}

/** Makes a database of SQLite one of ours, and sets up the connection. */
class Preparation {
  readonly #database: SqliteDatabase;
  readonly #path: string;
  readonly #options: OpeningOptions;
  readonly #transactions: SqliteTransactions;

  constructor(database: SqliteDatabase, path: string, options: OpeningOptions) {
    this.#database = database;
    this.#path = path;
    this.#options = options;
    this.#transactions = new SqliteTransactions(database);
  }

  async finish(): Promise<void> {
    const { durability, waitMs, signal } = this.#options;
    // Before anything that may meet a lock.
    this.#database.execute(`PRAGMA busy_timeout = ${Math.min(attemptMs, waitMs)}`);
    await waitForLock(() => this.#prepare(), waitMs, signal);
    this.#database.execute(`PRAGMA synchronous = ${durability === "power-loss" ? "FULL" : "NORMAL"}`);
  }

  #prepare(): void {
    const found = this.#transactions.run("BEGIN", () => {
      const isNew = this.#isNew();
      if (!isNew) this.#requireWhole();
      return { isNew, journal: this.#valueOf("journal_mode") };
    });
    if (found.isNew) this.#makeTables();
    // Only where it is another one: changing it needs the database to itself.
    if (found.journal !== "wal") this.#database.execute("PRAGMA journal_mode = WAL");
  }

  /** All or nothing, and only once: another process may have been faster since `isNew` was asked. */
  #makeTables(): void {
    this.#transactions.run("BEGIN IMMEDIATE", () => {
      if (!this.#isNew()) return;
      this.#database.execute(`
        CREATE TABLE entries (key BLOB NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        PRAGMA application_id = ${applicationId};
        PRAGMA user_version = ${format};
      `);
    });
  }

  /** Tells whether nobody has written to the database. Throws when it was anybody but a storage of this version. */
  #isNew(): boolean {
    const columns = this.#database.query(`
      SELECT (SELECT count(*) FROM sqlite_schema) AS tables,
        (SELECT group_concat(name || ' ' || type || ' ' || pk, ', ') FROM pragma_table_info('entries')) AS entries
    `);
    const application = this.#valueOf("application_id");
    const version = this.#valueOf("user_version");
    if (application === 0 && version === 0 && columns?.["tables"] === 0) return true;
    if (application !== applicationId) {
      throw this.#refusal("damaged", "it is the database of another program; use another path");
    }
    if (typeof version === "number" && version > format) {
      const problem = `its format is "${version}", and this version knows "${format}"`;
      throw this.#refusal("newer-format", `${problem}; update @mx/storage`);
    }
    if (version !== format || columns?.["entries"] !== "key BLOB 1, value TEXT 0") {
      throw this.#refusal("damaged", "its tables are not those of a storage; put a copy in its place");
    }
    return false;
  }

  /**
   * SQLite has no checksums: a wrong bit in a page can make a key look as if it had never been there. Together the pages
   * show it, as long as there are not too many to look at. In a larger one, what a reading stumbles over is found.
   */
  #requireWhole(): void {
    const size = Number(this.#valueOf("page_count")) * Number(this.#valueOf("page_size"));
    if (size > maxCheckedBytes || this.#valueOf("quick_check") === "ok") return;
    throw this.#refusal("damaged", "its pages do not fit together; put a copy of it in its place");
  }

  #valueOf(pragma: string): unknown {
    return this.#database.query(`PRAGMA ${pragma}`)?.[pragma];
  }

  #refusal(code: "damaged" | "newer-format", problem: string): StorageError {
    return new StorageError(`Cannot open "${this.#path}": ${problem}`, { code });
  }
}
