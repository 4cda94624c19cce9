import fs from "node:fs";
import { clock, timers } from "../env.js";
import { locate } from "../file/locate.js";
import { type SqliteDatabase, isLocked, openDatabase } from "./sqlite-database.js";

/** Tells our databases from those of other programs, in the `application_id`: "mxst". */
const applicationId = 0x6d_78_73_74;

/** The version of the tables, in the database's `user_version`. */
const format = 1;

/** How long an opening, and then a commit, waits for another process's. */
const busyTimeoutMs = 5000;

/** How long one attempt at opening may keep this process from anything else, and how long it rests after it. */
const attemptMs = 20;

/** Opens the database at `path`, or makes it. Rejects, and leaves it as it is, when it is none of a storage. */
export async function openOurDatabase(path: string): Promise<SqliteDatabase> {
  const file = await locate(path);
  makeFile(file);
  const database = await openDatabase(file);
  try {
    await prepare(database);
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
  }
}

async function prepare(database: SqliteDatabase): Promise<void> {
  database.execute(`PRAGMA busy_timeout = ${attemptMs}`);
  const deadline = clock.now() + busyTimeoutMs;
  // SQLite waits by itself for most locks, but not for that of somebody who is changing the journal as well.
  while (!isPrepared(database, clock.now() < deadline)) {
    await new Promise<void>((resolve) => void timers.setTimeout(resolve, attemptMs));
  }
  database.execute("PRAGMA synchronous = FULL");
  database.execute(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
}

/** Makes one attempt; returns `false` when it has met a lock and may try again. */
function isPrepared(database: SqliteDatabase, mayTryAgain: boolean): boolean {
  try {
    const found = within(database, "BEGIN", () => ({
      isNew: isNew(database),
      journal: database.query("PRAGMA journal_mode")[0]?.["journal_mode"],
    }));
    if (found.isNew) makeTables(database);
    // Only where it is another one: changing it needs the database to itself.
    if (found.journal !== "wal") database.execute("PRAGMA journal_mode = WAL");
    return true;
  } catch (error) {
    if (!mayTryAgain || !isLocked(error)) throw error;
    return false;
  }
}

/** All or nothing, and only once: another process may have been faster since `isNew` was asked. */
function makeTables(database: SqliteDatabase): void {
  within(database, "BEGIN IMMEDIATE", () => {
    if (!isNew(database)) return;
    database.execute(`
      CREATE TABLE entries (key BLOB NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
      PRAGMA application_id = ${applicationId};
      PRAGMA user_version = ${format};
    `);
  });
}

/** Tells whether nobody has written to the database. Throws when it was anybody but a storage of this version. */
function isNew(database: SqliteDatabase): boolean {
  // It meets the lock, if there is one: in libsql, a query that has failed would stand in the way of the next attempt.
  database.execute("SELECT count(*) FROM sqlite_schema");
  const application = database.query("PRAGMA application_id")[0]?.["application_id"];
  const version = database.query("PRAGMA user_version")[0]?.["user_version"];
  const count = database.query("SELECT count(*) AS count FROM sqlite_schema")[0]?.["count"];
  if (application === 0 && version === 0 && count === 0) return true;
  if (application !== applicationId) throw new Error("it is the database of another program; use another path");
  if (version === format) return false;
  throw new Error(`its format is "${Number(version)}", and this version knows "${format}"; update @mx/storage`);
}

/** Does `work` as of one moment. */
function within<Result>(database: SqliteDatabase, begin: string, work: () => Result): Result {
  database.execute(begin);
  try {
    const result = work();
    database.execute("COMMIT");
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

function rollBack(database: SqliteDatabase): void {
  try {
    database.execute("ROLLBACK");
  } catch {
    // SQLite has rolled back by itself; what counts is the error that led here.
  }
}
