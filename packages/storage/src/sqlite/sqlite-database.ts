import { StorageError } from "../storage-error.js";
import { isLocked } from "./sqlite-problem.js";

type Parameter = string | number | Uint8Array;

/** What is in a column of a row; libsql gives bytes as an `ArrayBuffer`. */
export type Column = string | number | Uint8Array | ArrayBuffer | null;

export type Row = Readonly<Record<string, Column>>;

/** A statement that is prepared once, and run with one set of parameters after another. */
export interface SqliteStatement {
  /** Reads the first row. It is the cheapest way to read one. */
  first(parameters: Parameter[]): Row | undefined;
  all(parameters: Parameter[]): readonly Row[];
  /** Writes. Only inside `BEGIN IMMEDIATE`, which meets the lock if there is one: see `wrapLibsql`. */
  run(parameters: Parameter[]): void;
}

/** What is used of a SQLite database, with whichever driver there is. */
export interface SqliteDatabase {
  execute(sql: string): void;
  /** Reads with a statement that is used once, and returns the first row. */
  query(sql: string): Row | undefined;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

/** Opens a database with the SQLite of the runtime (Node 22.13 and later), or else with the package `libsql`. */
export async function openDatabase(path: string): Promise<SqliteDatabase> {
  const builtIn = process.getBuiltinModule("node:sqlite");
  if (builtIn !== undefined && isNodeSqlite(builtIn)) return wrapNodeSqlite(new builtIn.DatabaseSync(path));
  const Libsql = await importLibsql(path);
  return wrapLibsql(new Libsql(path));
}

interface NodeStatement {
  get(...parameters: Parameter[]): Row | undefined;
  all(...parameters: Parameter[]): Row[];
  run(...parameters: Parameter[]): unknown;
}

/** Always given an array: it takes a lone `Uint8Array` for named parameters, and then ends the process. */
interface LibsqlStatement {
  get(parameters: Parameter[]): Row | undefined;
  all(parameters: Parameter[]): Row[];
  run(parameters: Parameter[]): unknown;
}

interface Driver<Statement> {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): void;
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => Driver<NodeStatement>;
}

type Libsql = new (path: string) => Driver<LibsqlStatement>;

function isNodeSqlite(module: object): module is NodeSqlite {
  return "DatabaseSync" in module;
}

function isLibsql(exported: unknown): exported is Libsql {
  return typeof exported === "function";
}

async function importLibsql(path: string): Promise<Libsql> {
  try {
    const module: { default: unknown } = await import("libsql");
    if (isLibsql(module.default)) return module.default;
    throw new TypeError("it exports no class");
  } catch (cause) {
    throw new StorageError(
      `Cannot open "${path}": this runtime has no SQLite, and the package "libsql" cannot be loaded; ` +
        'run "npm install libsql", or use Node 22.13 or later',
      { cause },
    );
  }
}

function wrapNodeSqlite(driver: Driver<NodeStatement>): SqliteDatabase {
  const prepare = (sql: string): SqliteStatement => {
    const statement = driver.prepare(sql);
    return {
      first: (parameters) => statement.get(...parameters),
      all: (parameters) => statement.all(...parameters),
      run: (parameters) => void statement.run(...parameters),
    };
  };
  return {
    execute: (sql) => void driver.exec(sql),
    query: (sql) => prepare(sql).first([]),
    prepare,
    close: () => driver.close(),
  };
}

/*
 * What to know of libsql:
 *
 * 1. A prepared statement that has met a lock stays in the middle of its run until it is run again, or collected as
 *    garbage. SQLite then leaves transactions open behind the back of everybody: what other statements write is not
 *    committed, though they succeed, and what they read is of an old moment.
 * 2. So nothing that writes may meet a lock when it is prepared: `BEGIN IMMEDIATE`, which is not, comes before it. A
 *    reading that has met one is run again before anything else is done.
 * 3. A statement holds the connection open for as long as anybody holds the statement.
 */
function wrapLibsql(driver: Driver<LibsqlStatement>): SqliteDatabase {
  const prepared: (LibsqlStatement | undefined)[] = [];
  let interrupted: (() => unknown) | undefined;

  function finishInterrupted(): void {
    if (interrupted === undefined) return;
    interrupted();
    interrupted = undefined;
  }

  function read<Result>(work: () => Result): Result {
    finishInterrupted();
    try {
      return work();
    } catch (error) {
      if (isLocked(error)) interrupted = work;
      throw error;
    }
  }

  function prepare(sql: string): SqliteStatement {
    const index = prepared.push(driver.prepare(sql)) - 1;
    const statement = (): LibsqlStatement => {
      const found = prepared[index];
      if (found === undefined) throw new Error("the database is closed");
      return found;
    };
    return {
      first: (parameters) => read(() => statement().get(parameters)),
      all: (parameters) => read(() => statement().all(parameters)),
      run: (parameters) => void statement().run(parameters),
    };
  }

  return {
    execute: (sql) => {
      finishInterrupted();
      driver.exec(sql);
    },
    query: (sql) => {
      const statement = driver.prepare(sql);
      return read(() => statement.get([]));
    },
    prepare,
    close: () => {
      interrupted = undefined;
      prepared.fill(undefined);
      driver.close();
    },
  };
}
