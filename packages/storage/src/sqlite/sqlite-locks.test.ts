import fs from "node:fs/promises";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { createStorage } from "../create-storage.js";
import type { Commit } from "../engine.js";
import type { Storage } from "../storage.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { openOurDatabase } from "./open-our-database.js";
import { type SqliteDatabase, openDatabase } from "./sqlite-database.js";
import { SqliteEngine } from "./sqlite-engine.js";
import { type SqliteStorageOptions, sqliteStorage } from "./sqlite-storage.js";

interface Shared {
  readonly path: string;
  readonly storage: Storage;
  /** Another connection. */
  readonly other: SqliteDatabase;
}

async function share(options: SqliteStorageOptions = {}): Promise<Shared> {
  const path = join(await temporaryFolder(), "alice.db");
  const storage = await sqliteStorage(path, { hotBytes: 0, ...options });
  onTestFinished(() => storage.close());
  const other = await openDatabase(path);
  onTestFinished(() => other.close());
  return { path, storage, other };
}

function countOf(database: SqliteDatabase): unknown {
  return database.query("SELECT count(*) AS count FROM entries")?.["count"];
}

function commitOf(key: string, value: string): Commit {
  return { expected: new Map(), cleared: [], written: new Map([[key, value]]) };
}

describe("a storage in SQLite that another process has locked", () => {
  test("lets a commit wait, keeps commits in order, answers reads, and leaves the process to others", async () => {
    const { storage, other } = await share();
    await storage.set("a", 0);
    other.execute("BEGIN IMMEDIATE");
    const settled: number[] = [];
    const commits = [1, 2, 3].map(async (value) => {
      if (value > 1) await setImmediate();
      await storage.set("a", value);
      settled.push(value);
    });
    for (let turn = 0; turn < 5; turn++) {
      await setTimeout(1);
      expect(await storage.get("a")).toBe(0);
    }
    expect(settled).toEqual([]);
    other.execute("COMMIT");
    await Promise.all(commits);
    expect(settled).toEqual([1, 2, 3]);
    expect(await storage.get("a")).toBe(3);
  });

  test.each([
    [5000, 5],
    [0, 0],
  ])("with waitMs = %d lets SQLite, which would keep the process from all else, wait for %d ms", async (waitMs, ms) => {
    const path = join(await temporaryFolder(), "alice.db");
    const database = await openOurDatabase(path, { durability: "process", waitMs });
    onTestFinished(() => database.close());
    expect(database.query("PRAGMA busy_timeout")).toMatchObject({ timeout: ms });
  });

  test.each([0, 30])("rejects after waitMs, which is %d, and works again when the lock is gone", async (waitMs) => {
    const { path, storage, other } = await share({ waitMs });
    other.execute("BEGIN IMMEDIATE");
    for (const change of [storage.set("a", 1), storage.clear(), storage.transaction((each) => each.set("b", 1))]) {
      await expect(change).rejects.toMatchObject({
        name: "StorageError",
        code: "locked",
        message: expect.stringContaining(`Cannot write to "${path}": the database is locked by another process; `),
      });
    }
    other.execute("COMMIT");
    await storage.set("a", 2);
    expect(await storage.get("a")).toBe(2);
  });

  test("really commits what it acknowledges after a commit that was given up", async () => {
    const { storage, other } = await share({ waitMs: 0 });
    await storage.set("a", 1);
    await storage.set("b", 1);
    other.execute("BEGIN IMMEDIATE");
    await expect(storage.set("c", 1)).rejects.toMatchObject({ code: "locked" });
    await expect(storage.delete("b")).rejects.toMatchObject({ code: "locked" });
    other.execute("COMMIT");
    await storage.delete("a");
    expect(countOf(other)).toBe(1);
    other.execute("DELETE FROM entries");
    expect(await storage.get("b")).toBeUndefined();
    await storage.set("d", 1);
    expect(countOf(other)).toBe(1);
  });

  test("ends a commit that waits when it is closed", async () => {
    const { path, other } = await share();
    const options = { durability: "process", waitMs: 60_000 } as const;
    const engine = new SqliteEngine(await openOurDatabase(path, options), path, options);
    other.execute("BEGIN IMMEDIATE");
    const commits = [engine.commit([commitOf("=a", "1")]), engine.commit([commitOf("=b", "1")])];
    const results = Promise.allSettled(commits);
    await setTimeout(1);
    await engine.close();
    for (const result of await results) expect(result).toMatchObject({ reason: { code: "closed" } });
    other.execute("COMMIT");
    expect(countOf(other)).toBe(0);
  });

  test("is closed after a commit that waits, which is made or rejected", async () => {
    const { path, other } = await share();
    const storage = await sqliteStorage(path, { waitMs: 50 });
    other.execute("BEGIN IMMEDIATE");
    const waiting = storage.set("a", 1);
    const rejected = expect(waiting).rejects.toMatchObject({ code: "locked" });
    await storage.close();
    await rejected;
    const again = await sqliteStorage(path);
    const late = again.set("a", 1);
    const closing = again.close();
    await setTimeout(1);
    other.execute("COMMIT");
    await closing;
    await late;
    expect(countOf(other)).toBe(1);
  });
});

describe("opening a storage in SQLite that another process has locked", () => {
  async function lockedDatabase(): Promise<{ path: string; other: SqliteDatabase }> {
    const path = join(await temporaryFolder(), "alice.db");
    const other = await openDatabase(path);
    onTestFinished(() => other.close());
    other.execute("BEGIN EXCLUSIVE");
    return { path, other };
  }

  test.each([0, 30])("rejects after waitMs, which is %d", async (waitMs) => {
    const { path, other } = await lockedDatabase();
    await expect(sqliteStorage(path, { waitMs })).rejects.toMatchObject({
      name: "StorageError",
      code: "locked",
      message: expect.stringContaining(`Cannot open "${path}": the database is locked by another process; `),
    });
    other.execute("COMMIT");
    await using storage = await sqliteStorage(path, { waitMs });
    await storage.set("a", 1);
  });

  test("ends when its signal is aborted, with the reason, and leaves nothing locked", async () => {
    const { path, other } = await lockedDatabase();
    const controller = new AbortController();
    const opening = sqliteStorage(path, { waitMs: 60_000, signal: controller.signal });
    const rejected = expect(opening).rejects.toBe("enough");
    await setTimeout(1);
    controller.abort("enough");
    await rejected;
    other.execute("COMMIT");
    other.execute("CREATE TABLE songs (title TEXT)");
  });

  test("touches nothing when its signal is aborted before it begins", async () => {
    const path = join(await temporaryFolder(), "new", "alice.db");
    await expect(sqliteStorage(path, { signal: AbortSignal.abort("enough") })).rejects.toBe("enough");
    await expect(fs.stat(join(path, ".."))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

test("a reading that has met a lock stands in nobody's way afterwards", async () => {
  const path = join(await temporaryFolder(), "alice.db");
  const [database, other] = [await openDatabase(path), await openDatabase(path)];
  onTestFinished(() => (database.close(), other.close()));
  // In this mode, unlike ours, a writer locks readers out.
  database.execute("PRAGMA journal_mode = DELETE; CREATE TABLE entries (value TEXT)");
  const count = database.prepare("SELECT count(*) AS count FROM entries");
  const values = database.prepare("SELECT value FROM entries");
  const insert = database.prepare("INSERT INTO entries VALUES (?)");
  for (const read of [() => count.first([]), () => values.all([]), () => countOf(database)]) {
    other.execute("BEGIN EXCLUSIVE");
    expect(read).toThrow("locked");
    other.execute("DELETE FROM entries; INSERT INTO entries VALUES ('1'); COMMIT");
    expect(values.first([])).toMatchObject({ value: "1" });
    other.execute("UPDATE entries SET value = '2'");
    expect(values.first([])).toMatchObject({ value: "2" });
    database.execute("BEGIN IMMEDIATE");
    insert.run(["3"]);
    database.execute("COMMIT");
    expect(countOf(other)).toBe(2);
  }
});

describe("a group of commits in SQLite", () => {
  test("is one transaction, in which each commit is checked at its turn", async () => {
    const { path, other } = await share();
    const options = { durability: "power-loss", waitMs: 0 } as const;
    const database = await openOurDatabase(path, options);
    const executed: string[] = [];
    const engine = new SqliteEngine(
      {
        ...database,
        execute: (sql) => {
          executed.push(sql);
          database.execute(sql);
        },
      },
      path,
      options,
    );
    onTestFinished(() => engine.close());
    const expecting = (value: string | undefined, next: string): Commit => ({
      expected: new Map([["=a", value]]),
      cleared: [],
      written: new Map([
        ["=a", next],
        [`=${next}`, next],
      ]),
    });
    const commits = [expecting(undefined, "1"), expecting(undefined, "2"), expecting("1", "3"), expecting("2", "4")];
    expect(await engine.commit(commits)).toEqual([true, false, true, false]);
    expect(await engine.read(["=a", "=1", "=2", "=3", "=4"])).toEqual(["3", "1", undefined, "3", undefined]);
    expect(executed.slice(0, 2)).toEqual(["BEGIN IMMEDIATE", "COMMIT"]);
    expect(countOf(other)).toBe(3);
  });

  test("that only asks needs no lock", async () => {
    const { path, other } = await share();
    const options = { durability: "power-loss", waitMs: 0 } as const;
    const engine = new SqliteEngine(await openOurDatabase(path, options), path, options);
    onTestFinished(() => engine.close());
    const question = { cleared: [], written: new Map() };
    other.execute("BEGIN IMMEDIATE");
    const commits = [
      { expected: new Map([["=a", undefined]]), ...question },
      { expected: new Map([["=a", "1"]]), ...question },
    ];
    expect(await engine.commit(commits)).toEqual([true, false]);
    other.execute("COMMIT");
  });
});

test("a storage in SQLite says what it promises", async () => {
  const path = join(await temporaryFolder(), "alice.db");
  for (const durability of ["power-loss", "process"] as const) {
    const options = { durability, waitMs: 0 };
    const database = await openOurDatabase(path, options);
    const synchronous = durability === "power-loss" ? 2 : 1;
    expect(database.query("PRAGMA synchronous")).toMatchObject({ synchronous });
    await using storage = createStorage(new SqliteEngine(database, path, options));
    expect(storage.guarantees).toEqual({ durability, sharing: "processes" });
  }
  await using storage = await sqliteStorage(path);
  expect(storage.guarantees.durability).toBe("power-loss");
});

test.each([
  [{ durability: "often" }, 'durability is "often"; use "power-loss" or "process"'],
  [{ durability: null }, "durability is null"],
  [{ waitMs: -1 }, "waitMs is -1"],
  [{ waitMs: Number.NaN }, "waitMs is NaN"],
  [{ waitMs: "5000" }, 'waitMs is "5000"'],
  [{ waitMs: Number.POSITIVE_INFINITY }, "waitMs is Infinity"],
  [{ signal: 5 }, "signal is 5"],
])("sqliteStorage refuses the options %j", async (options, message) => {
  const folder = await temporaryFolder();
  // @ts-expect-error: what a caller without types may do
  await expect(sqliteStorage(join(folder, "alice.db"), options)).rejects.toMatchObject({
    name: "TypeError",
    message: expect.stringContaining(message),
  });
  expect(await fs.readdir(folder)).toEqual([]);
});
