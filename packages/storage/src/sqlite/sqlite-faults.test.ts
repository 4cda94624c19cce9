import { spawnSync } from "node:child_process";
import fs from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { createStorage } from "../create-storage.js";
import type { Storage } from "../storage.js";
import { FailingDatabase } from "../testing/failing-database.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { openOurDatabase } from "./open-our-database.js";
import { openDatabase } from "./sqlite-database.js";
import { SqliteEngine } from "./sqlite-engine.js";
import { sqliteStorage } from "./sqlite-storage.js";

/** How many damaged files are tried: CI has more time than `npm test`. */
const damages = Number(process.env["MX_DAMAGES"] ?? 60);
const timeoutMs = 20_000 + 50 * damages;

/** What is not a lock is not waited for, whatever `waitMs` says. */
const options = { durability: "process", waitMs: 60_000 } as const;

async function temporaryPath(): Promise<string> {
  return join(await temporaryFolder(), "alice.db");
}

/** The numbers that a storage holds, by key. */
async function numbersIn(storage: Storage): Promise<Map<string, unknown>> {
  const numbers = new Map<string, unknown>();
  for await (const [key, value] of storage.entries()) numbers.set(key, value);
  return numbers;
}

describe("a storage in SQLite whose driver fails", () => {
  const failures = [true, false].flatMap((forEver) => [true, false].map((afterwards) => ({ forEver, afterwards })));

  test.each(failures)("at any call ($forEver, $afterwards) keeps its word", async ({ forEver, afterwards }) => {
    const path = await temporaryPath();
    const database = new FailingDatabase(await openOurDatabase(path, options));
    await using storage = createStorage(new SqliteEngine(database, path, options), { hotBytes: 0 });
    await using other = await sqliteStorage(path, { hotBytes: 0, waitMs: 0 });
    const acknowledged = new Map<string, number>([]);
    let hasFailed = true;
    for (let call = 1; hasFailed; call++) {
      const attempted = new Map<string, number>();
      const note = async (keys: readonly string[], commit: Promise<unknown>): Promise<void> => {
        for (const key of keys) attempted.set(key, call);
        const isMade = await commit.then(
          () => true,
          (error: unknown) => {
            expect(error).toMatchObject({ name: "StorageError", code: "failed" });
            return false;
          },
        );
        if (isMade) for (const key of keys) acknowledged.set(key, call);
      };
      database.failAt({ call, forEver, afterwards });
      await note(["a"], storage.set("a", call));
      await Promise.all([note(["b"], storage.set("b", call)), note(["c"], storage.set("c", call))]);
      const double = storage.transaction(async (transaction) => {
        await transaction.getMany(["a", "b"]);
        for (const key of ["d", "e"]) transaction.set(key, call);
      });
      await note(["d", "e"], double);
      // A value or an error, but never that there is none.
      for (const key of acknowledged.keys()) {
        const read = await storage.get(key).catch(() => "error");
        expect([acknowledged.get(key), attempted.get(key), "error"]).toContain(read);
      }
      ({ hasFailed } = database);
      database.recover();
      // When the driver can still undo what has failed, nothing is left open.
      if (!forEver) await other.set("other", -call);
      // Each kind of call may be the first one after the failure.
      if (call % 3 === 0) await storage.get("a");
      if (call % 3 === 1) {
        await storage.set("f", call);
        acknowledged.set("f", call);
      }
      if (call % 3 === 2) await numbersIn(storage);
      const found = await numbersIn(other);
      for (const [key, number] of acknowledged) {
        if (key !== "other") expect([number, attempted.get(key)]).toContain(found.get(key));
      }
      expect(found.get("d")).toBe(found.get("e"));
      expect(await numbersIn(storage)).toEqual(found);
      // The other one can write, so there is no transaction open.
      await other.set("other", call);
      expect(await storage.get("other")).toBe(call);
      for (const [key, number] of found) acknowledged.set(key, Number(number));
      acknowledged.set("other", call);
    }
    expect(acknowledged.size).toBe(7);
  });

  test("at a COMMIT leaves no transaction open, and reads nothing that was not committed", async () => {
    const path = await temporaryPath();
    const database = new FailingDatabase(await openOurDatabase(path, options));
    await using storage = createStorage(new SqliteEngine(database, path, options), { hotBytes: 0 });
    await using other = await sqliteStorage(path, { hotBytes: 0, waitMs: 0 });
    // The calls are BEGIN, INSERT and COMMIT.
    database.failAt({ call: 3, forEver: false, afterwards: false });
    await expect(storage.set("a", 1)).rejects.toMatchObject({ code: "failed" });
    await other.set("b", 1);
    database.failAt({ call: 3, forEver: true, afterwards: false });
    await expect(storage.set("a", 1)).rejects.toMatchObject({ code: "failed" });
    database.recover();
    expect(await storage.get("a")).toBeUndefined();
    await other.set("b", 2);
    expect(await storage.get("b")).toBe(2);
  });

  test("when SQLite finds the disk full, loses nothing, and goes on when there is room", async () => {
    const path = await temporaryPath();
    const database = await openOurDatabase(path, options);
    await using storage = createStorage(new SqliteEngine(database, path, options));
    await storage.set("a", 1);
    database.execute("PRAGMA max_page_count = 4");
    const full = {
      name: "StorageError",
      code: "failed",
      message: expect.stringMatching(/^Cannot write to ".*": .* full; make room, and try again$/),
    };
    const large = "x".repeat(20_000);
    await expect(storage.set("b", large)).rejects.toMatchObject(full);
    const transaction = storage.transaction((each) => {
      each.set("a", 2);
      each.set("b", large);
    });
    await expect(transaction).rejects.toMatchObject(full);
    await storage.set("a", 3);
    database.execute("PRAGMA max_page_count = 1000");
    await storage.set("b", large);
    await using other = await sqliteStorage(path);
    expect(await numbersIn(other)).toEqual(new Map<string, unknown>([["a", 3]]).set("b", large));
  });
});

describe("a storage in SQLite whose files are damaged", () => {
  const keys = Array.from({ length: 40 }, (_, number) => `key ${String(number).padStart(2, "0")}`);
  /** Fills a page with a few. */
  const value = (key: string): string => `${key} `.repeat(100);

  async function makeFile(): Promise<{ path: string; content: Buffer }> {
    const path = await temporaryPath();
    const storage = await sqliteStorage(path);
    await Promise.all(keys.map((key) => storage.set(key, value(key))));
    await storage.close();
    return { path, content: await fs.readFile(path) };
  }

  /** Opens the storage, reads everything, and expects each value or an error that says what is wrong. */
  async function readDamaged(path: string): Promise<"whole" | "damaged"> {
    try {
      await using storage = await sqliteStorage(path, { waitMs: 0 });
      const reads = await Promise.allSettled(keys.map((key) => storage.get(key)));
      for (const [index, key] of keys.entries()) {
        const read = reads[index];
        if (read?.status === "fulfilled") expect(read.value).toBe(value(key));
        else expect(read?.reason).toMatchObject({ name: "StorageError", code: "damaged" });
      }
      const found = await numbersIn(storage);
      expect([...found.keys()]).toEqual(keys);
      return reads.every(({ status }) => status === "fulfilled") ? "whole" : "damaged";
    } catch (error) {
      expect(error).toMatchObject({ name: "StorageError", code: "damaged" });
      return "damaged";
    }
  }

  test("says so when pages of it are overwritten", async () => {
    const { path, content } = await makeFile();
    for (let page = 0; page < content.length / 4096; page++) {
      for (const filling of [0x00, 0xff]) {
        await fs.writeFile(path, Buffer.from(content).fill(filling, page * 4096, (page + 1) * 4096));
        if (page === 0 && filling === 0) await expect(sqliteStorage(path)).rejects.toMatchObject({ code: "damaged" });
        else expect(await readDamaged(path)).toBe("damaged");
      }
    }
    await fs.writeFile(path, content);
    expect(await readDamaged(path)).toBe("whole");
  });

  test(
    "says so when it is cut off",
    async () => {
      const { path, content } = await makeFile();
      for (let length = content.length - 1; length > 0; length -= Math.ceil(content.length / damages)) {
        await fs.writeFile(path, content.subarray(0, length));
        expect(await readDamaged(path), `cut at ${length}`).toBe("damaged");
      }
    },
    timeoutMs,
  );

  test(
    "says so when a bit of a page's head is wrong, or gives what was stored",
    async () => {
      const { path, content } = await makeFile();
      const pages = content.length / 4096;
      // Where the pages have what leads to the values: each of these is a bit of some page.
      for (let damage = 0; damage < damages; damage++) {
        const head = (damage % pages) * 4096 + (damage % pages === 0 ? 100 : 0);
        const damaged = Buffer.from(content);
        const at = head + (Math.floor((damage * 7) / pages) % 8);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (damage % 8));
        await fs.writeFile(path, damaged);
        await readDamaged(path);
      }
    },
    timeoutMs,
  );

  test(
    "holds a state that there was, when its log is cut off or gone",
    async () => {
      const path = await temporaryPath();
      const storage = await sqliteStorage(path);
      onTestFinished(() => storage.close());
      for (let number = 1; number <= 5; number++) {
        await storage.transaction((transaction) => {
          for (const key of ["a", "b", "c"]) transaction.set(key, number);
        });
      }
      const [content, log] = [await fs.readFile(path), await fs.readFile(`${path}-wal`)];
      let last = 0;
      for (let cut = 0; cut <= damages; cut++) {
        const copy = join(await temporaryFolder(), "alice.db");
        await fs.writeFile(copy, content);
        await fs.writeFile(`${copy}-wal`, log.subarray(0, Math.floor((log.length * cut) / damages)));
        if (cut === 0) await fs.rm(`${copy}-wal`);
        await using found = await sqliteStorage(copy);
        const [a, ...others] = await found.getMany(["a", "b", "c"]);
        expect(others).toEqual([a, a]);
        const number = Number(a ?? 0);
        expect(number).toBeGreaterThanOrEqual(last);
        last = number;
        await found.set("a", "goes on");
      }
      expect(last).toBe(5);
    },
    timeoutMs,
  );
});

describe("a storage in SQLite that may not write", () => {
  /** Opens the storage in another process, because this one may be root's, who may write to everything. */
  const program = `
    const { sqliteStorage } = await import(process.argv[1]);
    // Loads the driver, while it may read everything.
    await (await sqliteStorage(process.argv[2] + ".other")).close();
    if (process.getuid?.() === 0) process.setuid(65534);
    try {
      await sqliteStorage(process.argv[2]);
    } catch (error) {
      process.stdout.write(error.code + ": " + error.message);
    }
  `;

  test.skipIf(process.platform === "win32")("says so when the file is read-only, and opens it later", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "alice.db");
    const storage = await sqliteStorage(path);
    await storage.set("a", 1);
    await storage.close();
    await fs.chmod(folder, 0o777);
    await fs.chmod(path, 0o444);
    const module = fileURLToPath(new URL("../../dist/sqlite/sqlite-storage.js", import.meta.url));
    const given = ["--input-type=module", "-e", program, module, path];
    const { stdout } = spawnSync(process.execPath, given, { encoding: "utf8" });
    expect(stdout).toContain(`failed: Cannot open "${path}": `);
    expect(stdout).toContain("the file and its folder must be readable and writable for this process");
    await fs.chmod(path, 0o600);
    await using again = await sqliteStorage(path);
    await again.set("b", 1);
    expect(await again.get("a")).toBe(1);
  });

  test("says so when the database has become read-only, and writes when it is no longer", async () => {
    const path = await temporaryPath();
    const database = await openOurDatabase(path, options);
    await using storage = createStorage(new SqliteEngine(database, path, options));
    await storage.set("a", 1);
    database.execute("PRAGMA query_only = ON");
    await expect(storage.set("a", 2)).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining("must be readable and writable for this process"),
    });
    expect(await storage.get("a")).toBe(1);
    database.execute("PRAGMA query_only = OFF");
    await storage.set("a", 3);
    expect(await storage.get("a")).toBe(3);
  });
});

describe("the files of a storage in SQLite", () => {
  const modesIn = async (folder: string): Promise<Record<string, string>> => {
    const names = (await fs.readdir(folder)).toSorted();
    const modes = names.map(async (name) => [name, ((await fs.stat(join(folder, name))).mode & 0o777).toString(8)]);
    return Object.fromEntries(await Promise.all(modes));
  };

  test.skipIf(process.platform === "win32")(
    "are their owner's only, and stay so when they are made again (threat 24)",
    async () => {
      const umask = process.umask(0);
      onTestFinished(() => void process.umask(umask));
      const folder = join(await temporaryFolder(), "new", "folder");
      const path = join(folder, "alice.db");
      const all = { "alice.db": "600", "alice.db-shm": "600", "alice.db-wal": "600" };
      for (let opening = 0; opening < 2; opening++) {
        await using storage = await sqliteStorage(path);
        await storage.set("a", opening);
        expect(await modesIn(folder)).toEqual(all);
        const other = await openDatabase(path);
        other.query("PRAGMA wal_checkpoint(TRUNCATE)");
        other.close();
        await storage.set("b", opening);
        expect(await modesIn(folder)).toEqual(all);
        await storage.close();
        expect(await modesIn(folder)).toMatchObject({ "alice.db": "600" });
      }
      expect(((await fs.stat(folder)).mode & 0o777).toString(8)).toBe("700");
    },
  );
});
