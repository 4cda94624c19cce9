import { compareCodePoints } from "../code-points.js";
import type { Commit, StorageEngine } from "../engine.js";
import { fileProblemOf } from "../file/file-problem.js";
import { type Column, type SqliteDatabase, type SqliteStatement, isLocked } from "./sqlite-database.js";
import { StorageError } from "../storage-error.js";

/**
 * Keys and values in a table. Keys are bytes, so that SQLite compares them byte by byte and a NUL is nothing special.
 */
export class SqliteEngine implements StorageEngine {
  readonly #database: SqliteDatabase;
  readonly #path: string;
  readonly #select: SqliteStatement;
  readonly #list: SqliteStatement;
  readonly #insert: SqliteStatement;
  readonly #delete: SqliteStatement;
  readonly #clear: SqliteStatement;

  constructor(database: SqliteDatabase, path: string) {
    this.#database = database;
    this.#path = path;
    this.#select = database.prepare("SELECT value FROM entries WHERE key = ?");
    this.#list = database.prepare("SELECT key, value FROM entries WHERE key >= ? AND key < ? ORDER BY key LIMIT ?");
    this.#insert = database.prepare(
      "INSERT INTO entries (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    );
    this.#delete = database.prepare("DELETE FROM entries WHERE key = ?");
    this.#clear = database.prepare("DELETE FROM entries WHERE key >= ? AND key < ?");
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    return this.#attempt("read from", () => {
      if (keys.length === 1) return keys.map((key) => this.#read(key));
      return this.#within("BEGIN", () => keys.map((key) => this.#read(key)));
    });
  }

  async scan(prefix: string, after: string, limit: number): Promise<(readonly [key: string, value: string])[]> {
    return this.#attempt("read from", () => {
      const isAhead = compareCodePoints(after, prefix) < 0;
      const rows = this.#list(isAhead ? bytes(prefix) : next(after), end(prefix), limit);
      return rows.map(({ key, value }) => [text(key), text(value)]);
    });
  }

  async commit(commit: Commit): Promise<boolean> {
    const changesNothing = commit.written.size === 0 && commit.cleared.length === 0;
    return this.#attempt(changesNothing ? "read from" : "write to", () =>
      this.#within(changesNothing ? "BEGIN" : "BEGIN IMMEDIATE", () => {
        for (const [key, value] of commit.expected) {
          if (this.#read(key) !== value) return false;
        }
        for (const prefix of commit.cleared) this.#clear(bytes(prefix), end(prefix));
        for (const [key, value] of commit.written) {
          if (value === undefined) this.#delete(bytes(key));
          else this.#insert(bytes(key), value);
        }
        return true;
      }),
    );
  }

  /** Leaves everything in the one file, so that a copy of it is a copy of all: SQLite alone does so only as a rule. */
  async close(): Promise<void> {
    try {
      // Others that have it open are not waited for: then it is up to the last of them.
      this.#database.execute("PRAGMA busy_timeout = 0");
      this.#database.query("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // What was committed is in the database's second file, and safe there.
    }
    this.#database.close();
  }

  #attempt<Result>(attempt: string, work: () => Result): Result {
    try {
      return work();
    } catch (cause) {
      const problem = isLocked(cause)
        ? "the database is locked by another process; keep its transactions short, or try again later"
        : fileProblemOf(cause);
      throw new StorageError(`Cannot ${attempt} "${this.#path}": ${problem}`, { cause });
    }
  }

  #read(key: string): string | undefined {
    const [row] = this.#select(bytes(key));
    return row === undefined ? undefined : text(row["value"]);
  }

  /** Does `work` in a transaction, which is over when this returns: nothing else of this process comes between. */
  #within<Result>(begin: string, work: () => Result): Result {
    this.#database.execute(begin);
    try {
      const result = work();
      this.#database.execute("COMMIT");
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #rollBack(): void {
    try {
      this.#database.execute("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full; what counts is the error that led here.
    }
  }
}

function bytes(key: string): Uint8Array {
  return Buffer.from(key);
}

/** The first key after `key` that there can be. */
function next(key: string): Uint8Array {
  return Buffer.from(`${key}\0`);
}

/** What comes after all keys that start with `prefix`: in UTF-8 there is no byte 255. */
function end(prefix: string): Uint8Array {
  return Buffer.concat([Buffer.from(prefix), Buffer.of(0xff)]);
}

/** A byte order mark at the beginning is part of a name. */
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

function text(column: Column | undefined): string {
  if (typeof column === "string") return column;
  if (column instanceof Uint8Array || column instanceof ArrayBuffer) return utf8.decode(column);
  throw new Error("the table holds something that no storage has written");
}
