import fs from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ContractFixture } from "../contract.js";
import { openDatabase } from "./sqlite-database.js";
import { sqliteStorage } from "./sqlite-storage.js";
import { checkKills } from "../testing/check-kills.js";
import { describeContract } from "../testing/describe-contract.js";
import { Writer } from "../testing/start-writer.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

async function temporaryPath(): Promise<string> {
  return join(await temporaryFolder(), "alice.db");
}

async function makeStore(): Promise<ContractFixture> {
  const path = await temporaryPath();
  return { open: () => sqliteStorage(path), isDurable: true, isShared: true };
}

/** What the database says of itself: "mxst". */
const applicationId = 0x6d_78_73_74;

describe("sqliteStorage", () => {
  describeContract(makeStore);

  test("lists keys with a NUL, a byte order mark and the like as what they are, in their order", async () => {
    await using storage = await sqliteStorage(await temporaryPath());
    const keys = ["", "\0", "\0a", "a", "a\0", "a\0b", "é", "\ufeff", "\ufeffa", "\uffff", "😀", "😀\0"];
    for (const key of keys) await storage.set(key, `${key} \0 \ud800`);
    const found: unknown[] = [];
    for await (const entry of storage.entries()) found.push(entry);
    expect(found).toEqual(keys.map((key) => [key, `${key} \0 \ud800`]));
    expect(await storage.getMany(keys)).toEqual(keys.map((key) => `${key} \0 \ud800`));
    const namespace = storage.namespace("\ufeff");
    await namespace.set("\0", 1);
    for await (const entry of namespace.entries()) expect(entry).toEqual(["\0", 1]);
  });

  test("takes quotes and SQL in keys, values and names as text", async () => {
    await using storage = await sqliteStorage(await temporaryPath());
    const text = `'"; DROP TABLE entries; -- ? :a @b $c`;
    await storage.namespace(text).set(text, text);
    await storage.transaction(async (transaction) => {
      expect(await transaction.namespace(text).get(text)).toBe(text);
      transaction.namespace(text).set("a", text);
    });
    expect(await storage.namespace(text).getMany([text, "a"])).toEqual([text, text]);
  });

  test("refuses, and leaves as it is, a file that is no database", async () => {
    const path = await temporaryPath();
    const content = "certainly not a database. ".repeat(100);
    await fs.writeFile(path, content);
    await expect(sqliteStorage(path)).rejects.toMatchObject({
      name: "StorageError",
      code: "damaged",
      message: expect.stringContaining(`Cannot open "${path}": `),
    });
    expect(await fs.readFile(path, "utf8")).toBe(content);
  });

  test.each([
    [
      "of a later version",
      `PRAGMA application_id = ${applicationId}; PRAGMA user_version = 2`,
      'its format is "2"',
      "newer-format",
    ],
    ["of another program", "CREATE TABLE songs (title TEXT)", "the database of another program"],
    [
      "of another program that counts its versions, too",
      "CREATE TABLE entries (a); PRAGMA user_version = 1",
      "the database of another program",
    ],
    ["of another program, in an odd version", "PRAGMA user_version = -1", "the database of another program"],
    ["of another program that has no table yet", "PRAGMA application_id = 1", "the database of another program"],
    [
      "with other tables than ours",
      `CREATE TABLE entries (key BLOB); PRAGMA application_id = ${applicationId}; PRAGMA user_version = 1`,
      "its tables are not those of a storage",
    ],
    ["of a version that there never was", `PRAGMA application_id = ${applicationId}`, "its tables are not those"],
  ])("refuses, and leaves as it is, a database %s", async (_, sql, message, code = "damaged") => {
    const path = await temporaryPath();
    const database = await openDatabase(path);
    database.execute(sql);
    database.close();
    const content = await fs.readFile(path);
    await expect(sqliteStorage(path)).rejects.toMatchObject({
      name: "StorageError",
      code,
      message: expect.stringContaining(message),
    });
    expect(await fs.readFile(path)).toEqual(content);
  });

  test("refuses a folder, and names it", async () => {
    const folder = await temporaryFolder();
    await expect(sqliteStorage(folder)).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringMatching(/^Cannot open ".*": .*; the file and its folder must be readable and writable/),
    });
  });

  test("is shared by processes without losing a step", async () => {
    const path = await temporaryPath();
    const writers = [1, 2, 3].map(() => new Writer("sqlite", path, "increment"));
    await Promise.all(writers.map((writer) => writer.end()));
    await using storage = await sqliteStorage(path);
    expect(await storage.get("count")).toBe(90);
  }, 30_000);

  test("may be opened, and made, by several processes at the same moment", async () => {
    const path = await temporaryPath();
    const start = Date.now() + 400;
    const writers = Array.from({ length: 6 }, () => new Writer("sqlite", path, "open", start));
    await Promise.all(writers.map((writer) => writer.end()));
    for (let round = 0; round < 4; round++) {
      await using storage = await sqliteStorage(`${path}.${round}`);
      expect(await storage.get("count")).toBe(6);
    }
  }, 30_000);

  test("waits for another process that has the database locked while it opens, and goes on meanwhile", async () => {
    const path = await temporaryPath();
    const other = await openDatabase(path);
    onTestFinished(() => other.close());
    other.execute("BEGIN EXCLUSIVE");
    const opening = sqliteStorage(path);
    await setTimeout(300);
    other.execute("COMMIT");
    await using storage = await opening;
    await storage.set("a", 1);
  });

  test("has everything in its one file when it is closed", async () => {
    const path = await temporaryPath();
    const storage = await sqliteStorage(path);
    await storage.set("a", 1);
    await storage.close();
    await fs.copyFile(path, `${path}.copy`);
    await using copy = await sqliteStorage(`${path}.copy`);
    expect(await copy.get("a")).toBe(1);
  });

  test.each(["", undefined])("refuses %j for a path", async (path) => {
    // @ts-expect-error: what a caller without types may do
    await expect(sqliteStorage(path)).rejects.toMatchObject({
      name: "TypeError",
      message: expect.stringContaining(`Cannot open ${JSON.stringify(path)}`),
    });
  });

  test("loses nothing that was acknowledged, and has all of a transaction or nothing, when it is killed", async () => {
    const path = await temporaryPath();
    await checkKills("sqlite", path, () => sqliteStorage(path));
  }, 90_000);
});
