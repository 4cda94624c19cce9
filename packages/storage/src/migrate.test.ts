import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { memoryStorage } from "./memory.js";
import { type Migration, migrate, schemaVersionKey } from "./migrate.js";
import { sqliteStorage } from "./sqlite/sqlite-storage.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

function append(text: string): Migration {
  return async (transaction) => {
    const log = await transaction.get("log", "");
    transaction.set("log", typeof log === "string" ? log + text : null);
  };
}

describe("migrate", () => {
  test("makes each step once, in order, and resolves with the version", async () => {
    await using storage = memoryStorage();
    expect(await migrate(storage, [])).toBe(0);
    expect(await migrate(storage, [append("a"), append("b")])).toBe(2);
    expect(await migrate(storage, [append("a"), append("b")])).toBe(2);
    expect(await migrate(storage, [append("a"), append("b"), append("c")])).toBe(3);
    expect(await storage.get("log")).toBe("abc");
  });

  test("counts in each namespace by itself", async () => {
    await using storage = memoryStorage();
    await migrate(storage.namespace("a"), [append("1"), append("2")]);
    await migrate(storage.namespace("b"), [append("1")]);
    await migrate(storage, [append("x")]);
    expect(await storage.namespace("a").get("log")).toBe("12");
    expect(await storage.namespace("b").get("log")).toBe("1");
    expect(await storage.get("log")).toBe("x");
  });

  test("commits a step as a whole with its version, also one that clears everything first", async () => {
    await using storage = memoryStorage();
    await storage.set("old", 1);
    const clear: Migration = (transaction) => {
      transaction.clear();
      transaction.namespace("new").set("a", 1);
    };
    expect(await migrate(storage, [clear])).toBe(1);
    expect(await storage.get(schemaVersionKey)).toBe(1);
    expect(await storage.has("old")).toBe(false);
    expect(await migrate(storage, [clear])).toBe(1);
  });

  test("keeps the steps before one that throws, nothing of it, and goes on there", async () => {
    await using storage = memoryStorage();
    const error = new Error("of the step");
    const half: Migration = (transaction) => {
      transaction.set("log", "half");
      throw error;
    };
    const last = vi.fn();
    await expect(migrate(storage, [append("a"), half, last])).rejects.toBe(error);
    expect(last).not.toHaveBeenCalled();
    expect(await storage.get("log")).toBe("a");
    expect(await storage.get(schemaVersionKey)).toBe(1);
    expect(await migrate(storage, [append("a"), append("b"), last])).toBe(3);
    expect(await storage.get("log")).toBe("ab");
    expect(last).toHaveBeenCalledOnce();
  });

  test("refuses the storage of a later version, and touches nothing", async () => {
    await using storage = memoryStorage();
    await migrate(storage, [append("a"), append("b")]);
    const step = vi.fn();
    await expect(migrate(storage, [step])).rejects.toMatchObject({
      name: "StorageError",
      code: "newer-format",
      message: "Cannot migrate the storage: its version is 2, and this application knows 1; update the application",
    });
    expect(step).not.toHaveBeenCalled();
    expect(await storage.get("log")).toBe("ab");
  });

  test.each([null, "1", -1, 1.5, 1e300, {}])("refuses a version that is %j", async (version) => {
    await using storage = memoryStorage();
    await storage.set(schemaVersionKey, version);
    await expect(migrate(storage, [])).rejects.toMatchObject({ name: "StorageError", code: "damaged" });
  });

  test("makes each step once, however many migrate one database at the same time", async () => {
    const path = join(await temporaryFolder(), "alice.db");
    const steps = ["a", "b", "c", "d"].map(append);
    await using one = await sqliteStorage(path);
    await using other = await sqliteStorage(path);
    const versions = await Promise.all([one, other, one, other].map((storage) => migrate(storage, steps)));
    expect(versions).toEqual([4, 4, 4, 4]);
    expect(await other.get("log")).toBe("abcd");
  });

  test("makes a step again from the start when somebody else was faster, and commits one of the two", async () => {
    const path = join(await temporaryFolder(), "alice.db");
    await using one = await sqliteStorage(path);
    await using other = await sqliteStorage(path);
    let attempts = 0;
    const step: Migration = async (transaction) => {
      attempts++;
      // Inside the first attempt, another process does all of it.
      if (attempts === 1) await migrate(other, [step]);
      await append("a")(transaction);
    };
    expect(await migrate(one, [step])).toBe(1);
    expect(await one.get("log")).toBe("a");
    expect(attempts).toBe(2);
  });
});
