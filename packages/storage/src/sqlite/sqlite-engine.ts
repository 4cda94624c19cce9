import { compareCodePoints } from "../code-points.js";
import type { Commit, StorageEngine, StorageGuarantees } from "../engine.js";
import { isQuestion } from "../is-question.js";
import { StorageError } from "../storage-error.js";
import { ChangesOfOthers } from "./changes-of-others.js";
import type { Column, SqliteDatabase, SqliteStatement } from "./sqlite-database.js";
import { asStorageError } from "./sqlite-problem.js";
import { SqliteTransactions } from "./sqlite-transactions.js";
import { waitForLock } from "./wait-for-lock.js";

/** What can be chosen about the engine. */
export interface SqliteEngineOptions {
  /** What the database was opened for. */
  readonly durability: "power-loss" | "process";
  /** How long a call waits for the lock of another process. */
  readonly waitMs: number;
}

/**
 * Keys and values in a table. Keys are bytes, so that SQLite compares them byte by byte and a NUL is nothing special.
 * Values are text: JSON has escapes for a NUL and for half of a surrogate pair, which the drivers would not keep.
 */
export class SqliteEngine implements StorageEngine {
  readonly guarantees: StorageGuarantees;
  readonly #database: SqliteDatabase;
  readonly #path: string;
  readonly #waitMs: number;
  readonly #transactions: SqliteTransactions;
  readonly #others: ChangesOfOthers;
  readonly #closing = new AbortController();
  readonly #select: SqliteStatement;
  readonly #list: SqliteStatement;
  readonly #insert: SqliteStatement;
  readonly #delete: SqliteStatement;
  readonly #clear: SqliteStatement;

  constructor(database: SqliteDatabase, path: string, { durability, waitMs }: SqliteEngineOptions) {
    this.guarantees = { durability, sharing: "processes" };
    this.#database = database;
    this.#path = path;
    this.#waitMs = waitMs;
    this.#transactions = new SqliteTransactions(database);
    const version = database.prepare("PRAGMA data_version");
    this.#others = new ChangesOfOthers(() => {
      this.#transactions.settle();
      return version.first([])?.["data_version"];
    });
    this.#select = database.prepare("SELECT value FROM entries WHERE key = ?");
    // The drivers are much quicker with text than with bytes, but some of them cut it off at a NUL.
    this.#list = database.prepare(
      "SELECT CASE WHEN instr(key, x'00') THEN key ELSE CAST(key AS TEXT) END AS name, value FROM entries " +
        "WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
    );
    this.#insert = database.prepare(
      "INSERT INTO entries (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    );
    this.#delete = database.prepare("DELETE FROM entries WHERE key = ?");
    this.#clear = database.prepare("DELETE FROM entries WHERE key >= ? AND key < ?");
  }

  read(keys: readonly string[]): Promise<(string | undefined)[]> {
    return this.#attempt("read from", () => {
      if (keys.length > 1) return this.#transactions.run("BEGIN", () => keys.map((key) => this.#read(key)));
      this.#transactions.settle();
      return keys.map((key) => this.#read(key));
    });
  }

  scan(prefix: string, after: string, limit: number): Promise<(readonly [key: string, value: string])[]> {
    return this.#attempt("read from", () => {
      this.#transactions.settle();
      const isAhead = compareCodePoints(after, prefix) < 0;
      const rows = this.#list.all([isAhead ? bytes(prefix) : next(after), end(prefix), limit]);
      return rows.map(({ name, value }) => [text(name), text(value)] as const);
    });
  }

  commit(commits: readonly Commit[]): Promise<readonly boolean[]> {
    if (commits.every(isQuestion)) {
      return this.#attempt("read from", () => this.#transactions.run("BEGIN", () => commits.map(this.#isExpected)));
    }
    return this.#attempt("write to", () => {
      try {
        return this.#transactions.run("BEGIN IMMEDIATE", () => commits.map(this.#make));
      } finally {
        // If it has failed as well: nobody knows what has become of it.
        this.#others.noteOwnCommit();
      }
    });
  }

  takeChanges(): readonly string[] | "all" {
    return this.#others.take();
  }

  /** Leaves everything in the one file, so that a copy of it is a copy of all: SQLite alone does so only as a rule. */
  async close(): Promise<void> {
    const reason = new StorageError(`Cannot go on waiting for "${this.#path}": the storage is closed`, {
      code: "closed",
    });
    this.#closing.abort(reason);
    try {
      // Others that have it open are not waited for: then it is up to the last of them.
      this.#database.execute("PRAGMA busy_timeout = 0");
      this.#database.query("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // What was committed is in the database's second file, and safe there.
    }
    this.#database.close();
  }

  readonly #make = (commit: Commit): boolean => {
    if (!this.#isExpected(commit)) return false;
    for (const prefix of commit.cleared) this.#clear.run([bytes(prefix), end(prefix)]);
    for (const [key, value] of commit.written) {
      if (value === undefined) this.#delete.run([bytes(key)]);
      else this.#insert.run([bytes(key), value]);
    }
    return true;
  };

  readonly #isExpected = ({ expected }: Commit): boolean => {
    for (const [key, value] of expected) {
      if (this.#read(key) !== value) return false;
    }
    return true;
  };

  #read(key: string): string | undefined {
    const row = this.#select.first([bytes(key)]);
    return row === undefined ? undefined : text(row["value"]);
  }

  async #attempt<Result>(attempt: string, work: () => Result): Promise<Result> {
    try {
      return await waitForLock(work, this.#waitMs, this.#closing.signal);
    } catch (cause) {
      throw asStorageError(attempt, this.#path, cause);
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
  throw new TypeError("the table holds something that no storage has written");
}
