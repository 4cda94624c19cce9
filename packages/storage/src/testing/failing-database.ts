import type { SqliteDatabase, SqliteStatement } from "../sqlite/sqlite-database.js";

/** How a call fails: once or from then on, and without or after having done what was asked for. */
export interface DriverFailure {
  readonly call: number;
  readonly forEver: boolean;
  readonly afterwards: boolean;
}

/** A database whose driver fails at one of its calls. */
export class FailingDatabase implements SqliteDatabase {
  readonly #database: SqliteDatabase;
  #failure: DriverFailure | undefined;
  #calls = 0;
  hasFailed = false;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  /** Counts the calls from now on. */
  failAt(failure: DriverFailure): void {
    this.#failure = failure;
    this.#calls = 0;
    this.hasFailed = false;
  }

  recover(): void {
    this.#failure = undefined;
  }

  execute(sql: string): void {
    this.#call(() => this.#database.execute(sql));
  }

  query(sql: string): ReturnType<SqliteDatabase["query"]> {
    return this.#call(() => this.#database.query(sql));
  }

  prepare(sql: string): SqliteStatement {
    const statement = this.#database.prepare(sql);
    return {
      first: (parameters) => this.#call(() => statement.first(parameters)),
      all: (parameters) => this.#call(() => statement.all(parameters)),
      run: (parameters) => this.#call(() => statement.run(parameters)),
    };
  }

  close(): void {
    this.#database.close();
  }

  #call<Result>(work: () => Result): Result {
    this.#calls++;
    const failure = this.#failure;
    const fails =
      failure !== undefined && (failure.forEver ? this.#calls >= failure.call : this.#calls === failure.call);
    if (!fails) return work();
    this.hasFailed = true;
    if (failure.afterwards) work();
    throw new Error("the driver fails, as asked for");
  }
}
