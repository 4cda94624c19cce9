import { StorageError } from "../storage-error.js";

type Parameter = string | number | Uint8Array;

/** What is in a column of a row; libsql gives bytes as an `ArrayBuffer`. */
export type Column = string | number | Uint8Array | ArrayBuffer | null;

/** Runs a statement, and returns its rows. */
export type SqliteStatement = (...parameters: Parameter[]) => Record<string, Column>[];

/** What is used of a SQLite database, with whichever driver there is. */
export interface SqliteDatabase {
  execute(sql: string): void;
  /** Runs a statement once, and returns its rows. */
  query(sql: string): Record<string, Column>[];
  prepare(sql: string): SqliteStatement;
  close(): void;
}

/** Tells whether an error of SQLite is that somebody else has the database locked. */
export function isLocked(error: unknown): boolean {
  return error instanceof Error && /\b(?:is locked|locking protocol)\b/.test(error.message);
}

/** Opens a database with the SQLite of the runtime (Node 22.13 and later), or else with the package `libsql`. */
export async function openDatabase(path: string): Promise<SqliteDatabase> {
  const builtIn = process.getBuiltinModule("node:sqlite");
  if (builtIn !== undefined && isNodeSqlite(builtIn)) {
    const database = new builtIn.DatabaseSync(path);
    return wrap(database, (statement, parameters) => statement.all(...parameters));
  }
  const Libsql = await importLibsql(path);
  // Always an array: it takes a lone `Uint8Array` for named parameters, and then ends the process.
  return wrap(new Libsql(path), (statement, parameters) => statement.all(parameters));
}

interface Driver<Statement> {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): void;
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => Driver<{ all(...parameters: Parameter[]): Record<string, Column>[] }>;
}

type Libsql = new (path: string) => Driver<{ all(parameters: Parameter[]): Record<string, Column>[] }>;

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

function wrap<Statement>(
  driver: Driver<Statement>,
  run: (statement: Statement, parameters: Parameter[]) => Record<string, Column>[],
): SqliteDatabase {
  // A statement holds the connection of libsql open for as long as anybody holds the statement.
  const prepared = new Map<number, Statement>();
  return {
    execute: (sql) => void driver.exec(sql),
    query: (sql) => run(driver.prepare(sql), []),
    prepare: (sql) => {
      const number = prepared.size;
      prepared.set(number, driver.prepare(sql));
      return (...parameters) => {
        const statement = prepared.get(number);
        if (statement === undefined) throw new Error("the database is closed");
        return run(statement, parameters);
      };
    },
    close: () => {
      prepared.clear();
      driver.close();
    },
  };
}
