import fs from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { createStorage } from "./create-storage.js";
import { problemOf } from "./problem.js";
import { type SqliteDatabase, openDatabase } from "./sqlite-database.js";
import { SqliteEngine } from "./sqlite-engine.js";
import { StorageError } from "./storage-error.js";
import type { Storage } from "./storage.js";

/** The version of the tables, in the database's `user_version`. */
const format = 1;

/** How long a commit waits for another process's. */
const busyTimeoutMs = 5000;

/**
 * Opens the storage in a SQLite database, or makes one; several processes may share it, on a local disk. A commit is
 * safe from a loss of power. Files are readable by their owner only. Before Node 22.13 it needs the package `libsql`.
 *
 * Rejects with a `StorageError`, and leaves the file as it is, when it is damaged, unreadable, from a later version or
 * another program's.
 */
export async function sqliteStorage(path: string): Promise<Storage> {
  try {
    const file = resolve(path);
    await fs.mkdir(dirname(file), { recursive: true, mode: 0o700 });
    // SQLite gives its other files the mode of this one.
    const created = await fs.open(file, "a", 0o600);
    await created.close();
    const database = await openDatabase(file);
    try {
      prepare(database);
      return createStorage(new SqliteEngine(database));
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    throw new StorageError(`Cannot open "${path}": ${problemOf(cause)}`, { cause });
  }
}

function prepare(database: SqliteDatabase): void {
  // First, because changing the journal may have to wait as well.
  database.execute(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  requireOurs(database);
  database.execute("PRAGMA journal_mode = WAL");
  database.execute("PRAGMA synchronous = FULL");
  database.execute(`
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS entries (key BLOB NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    PRAGMA user_version = ${format};
    COMMIT;
  `);
}

/** Before anything is changed in it. */
function requireOurs(database: SqliteDatabase): void {
  const [version] = database.prepare("PRAGMA user_version")();
  const found = Number(version?.["user_version"]);
  if (found > format) {
    throw new Error(`its format is "${found}", and this version knows "${format}"; update @mx/storage`);
  }
  const [tables] = database.prepare("SELECT count(*) AS count FROM sqlite_schema")();
  if (found === 0 && tables?.["count"] !== 0) {
    throw new Error("it is the database of another program; use another path");
  }
}
