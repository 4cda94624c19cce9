import { beforeEach, describe, expect, test, vi } from "vitest";
import { createStorage } from "./create-storage.js";
import type { StorageEngine } from "./engine.js";
import type { Storage } from "./storage.js";
import { Table } from "./table.js";

/** A table that others write to as well, and that can be made to wait and to fail. */
class SharedEngine implements StorageEngine {
  readonly table = new Table();
  readonly read = vi.fn<StorageEngine["read"]>(async (keys) => {
    const values = this.table.read(keys);
    await this.held;
    return values;
  });
  readonly commit = vi.fn<StorageEngine["commit"]>(async (commits) => {
    await this.held;
    if (this.failure !== undefined) throw this.failure;
    return commits.map((commit) => this.table.apply(commit));
  });
  changed: string[] | "all" = [];
  held: Promise<void> | undefined;
  failure: Error | undefined;

  async scan(prefix: string, after: string, limit: number): Promise<[string, string][]> {
    return this.table.scan(prefix, after, limit);
  }

  async close(): Promise<void> {}

  takeChanges(): readonly string[] | "all" {
    const taken = this.changed;
    this.changed = [];
    return taken;
  }

  /** What somebody else writes. */
  write(key: string, value: string, isTold: "by its key" | "somehow" | "not"): void {
    this.table.apply({ expected: new Map(), cleared: [], written: new Map([[key, value]]) });
    if (isTold === "by its key" && this.changed !== "all") this.changed = [...this.changed, key];
    if (isTold === "somehow") this.changed = "all";
  }
}

describe("a storage that keeps values in memory", () => {
  let engine: SharedEngine;
  let storage: Storage;

  beforeEach(() => {
    engine = new SharedEngine();
    storage = createStorage(engine);
  });

  test("asks the engine once for what is read again and again", async () => {
    engine.write("n/=a", "[1]", "not");
    const namespace = storage.namespace("n");
    for (let times = 0; times < 3; times++) {
      expect(await namespace.get("a")).toEqual([1]);
      expect(await namespace.get("b", "none")).toBe("none");
      expect(await namespace.has("a")).toBe(true);
      expect(await namespace.getMany(["a", "b"])).toEqual([[1], undefined]);
      expect(await storage.namespace("n").get("a")).toEqual([1]);
    }
    expect(engine.read).toHaveBeenCalledTimes(2);
  });

  test("keeps in memory what it has read, and then written itself", async () => {
    expect(await storage.getMany(["a", "b", "c"])).toEqual([undefined, undefined, undefined]);
    await storage.set("a", { n: 1 });
    await storage.transaction((transaction) => {
      transaction.set("b", 2);
      transaction.delete("c");
    });
    expect(await storage.getMany(["a", "b", "c"])).toEqual([{ n: 1 }, 2, undefined]);
    expect(engine.read).toHaveBeenCalledTimes(1);
    await storage.clear();
    expect(await storage.getMany(["a", "b"])).toEqual([undefined, undefined]);
  });

  test("does not keep what is only written", async () => {
    await storage.set("a", 1);
    engine.write("=a", "2", "not");
    expect(await storage.get("a")).toBe(2);
  });

  test.each(["by its key", "somehow"] as const)("sees what others have written, told %s", async (isTold) => {
    await storage.set("a", 1);
    await storage.set("b", 1);
    await storage.get("a");
    await storage.get("b");
    engine.read.mockClear();
    engine.write("=a", "2", isTold);
    expect(await storage.get("a")).toBe(2);
    expect(await storage.get("b")).toBe(1);
    expect(engine.read).toHaveBeenCalledTimes(isTold === "somehow" ? 2 : 1);
    engine.write("=a", "3", isTold);
    expect(await storage.getMany(["a"])).toEqual([3]);
    engine.write("=c", "3", isTold);
    expect(await storage.has("c")).toBe(true);
  });

  test("reads all of several values anew when one of them is not in memory: they are of one moment", async () => {
    await storage.set("a", 1);
    await storage.get("a");
    engine.write("=b", "2", "not");
    expect(await storage.getMany(["a", "b"])).toEqual([1, 2]);
    expect(engine.read).toHaveBeenCalledWith(["=a", "=b"]);
  });

  test("does not keep what it was reading while it was changed, by itself or by others", async () => {
    for (const change of [
      () => storage.set("a", "new"),
      async () => engine.write("=a", '"new"', "by its key"),
      async () => engine.write("=a", '"new"', "somehow"),
    ]) {
      engine.write("=a", '"old"', "somehow");
      let letGo = (): void => {};
      engine.held = new Promise((resolve) => (letGo = resolve));
      const reading = storage.get("a");
      await vi.waitUntil(() => engine.read.mock.calls.length > 0);
      engine.held = undefined;
      await change();
      letGo();
      expect(await reading).toBe("old");
      expect(await storage.get("a")).toBe("new");
      engine.read.mockClear();
    }
  });

  test("does not keep what it was writing while others wrote: theirs may be the later one", async () => {
    let letGo = (): void => {};
    engine.held = new Promise((resolve) => (letGo = resolve));
    const writing = storage.set("a", "mine");
    await vi.waitUntil(() => engine.commit.mock.calls.length > 0);
    letGo();
    // After the commit was made, and before this process hears of it.
    await Promise.resolve().then(() => engine.write("=a", '"theirs"', "by its key"));
    await writing;
    expect(await storage.get("a")).toBe(JSON.parse(engine.table.read(["=a"])[0] ?? ""));
  });

  test("forgets what a commit that failed was to write: nobody knows whether it did", async () => {
    await storage.set("a", "old");
    await storage.get("a");
    engine.failure = new Error("no answer");
    await expect(storage.set("a", "new")).rejects.toMatchObject({ code: "failed" });
    engine.failure = undefined;
    engine.write("=a", '"new"', "not");
    expect(await storage.get("a")).toBe("new");
  });

  test("never computes a transaction from what is in memory and not stored any more", async () => {
    await storage.set("a", 1);
    await storage.get("a");
    engine.write("=a", "10", "not");
    let runs = 0;
    await storage.transaction(async (transaction) => {
      runs++;
      transaction.set("a", Number(await transaction.get("a")) + 1);
    });
    expect(runs).toBe(2);
    expect(await storage.get("a")).toBe(11);
  });

  test("reads anew what a transaction has read that lost, though it was to write something else", async () => {
    await storage.set("a", 1);
    await storage.get("a");
    engine.write("=a", "2", "not");
    await storage.transaction(async (transaction) => transaction.set("b", await transaction.get("a", 0)));
    expect(await storage.getMany(["a", "b"])).toEqual([2, 2]);
  });

  test("answers nothing from memory after it was closed", async () => {
    await storage.set("a", 1);
    await storage.get("a");
    const closing = storage.close();
    await expect(storage.get("a")).rejects.toMatchObject({ code: "closed" });
    await closing;
  });

  test("keeps nothing of a transaction that lost or failed", async () => {
    await storage.set("a", 1);
    const attempt = storage.transaction((transaction) => {
      transaction.set("a", 2);
      throw new RangeError("as asked for");
    });
    await expect(attempt).rejects.toThrow(RangeError);
    expect(await storage.get("a")).toBe(1);
  });

  test.each([-1, Number.NaN, "16 MiB"])("refuses %j as a number of bytes", (hotBytes) => {
    // @ts-expect-error: what a caller without types may do
    expect(() => createStorage(engine, { hotBytes })).toThrow(`hotBytes is ${hotBytes}`);
  });

  test("keeps nothing when it is given no room, or when the engine does not tell what others change", async () => {
    const cold = createStorage(engine, { hotBytes: 0 });
    await cold.set("a", 1);
    await cold.get("a");
    await cold.get("a");
    expect(engine.read).toHaveBeenCalledTimes(2);
    const silent = createStorage({
      read: (keys) => engine.read(keys),
      scan: (prefix, after, limit) => engine.scan(prefix, after, limit),
      commit: (commits) => engine.commit(commits),
      close: () => engine.close(),
    });
    await silent.get("a");
    await silent.get("a");
    expect(engine.read).toHaveBeenCalledTimes(4);
  });

  test("forgets everything when it takes a lease: the one before may have written", async () => {
    await storage.set("a", 1);
    await storage.get("a");
    engine.write("=a", "2", "not");
    expect(await storage.get("a")).toBe(1);
    await using lease = await storage.lease("l");
    expect(lease.signal.aborted).toBe(false);
    expect(await storage.get("a")).toBe(2);
  });
});

describe("a storage", () => {
  test("hands what is written at one moment to the engine at once, each with an answer of its own", async () => {
    const engine = new SharedEngine();
    const storage = createStorage(engine);
    engine.write("=a", '"theirs"', "not");
    const sets = Array.from({ length: 50 }, (_, number) => storage.set(`key ${number}`, number));
    const deletions = [storage.delete("a"), storage.delete("b")];
    await Promise.all(sets);
    expect(engine.commit.mock.calls[0]?.[0]).toHaveLength(50);
    expect(await Promise.all(deletions)).toEqual([true, false]);
    expect(await storage.get("key 7")).toBe(7);
  });

  test("keeps a deletion in its place among what is written before and after", async () => {
    const storage = createStorage(new SharedEngine());
    const before = storage.set("a", 1);
    expect(await storage.delete("a")).toBe(true);
    await before;
    await storage.set("b", 1);
    const deletion = storage.delete("b");
    await storage.set("b", 2);
    expect(await deletion).toBe(true);
    expect(await storage.getMany(["a", "b"])).toEqual([undefined, 2]);
    const cleared = storage.clear();
    expect(await storage.delete("b")).toBe(false);
    await cleared;
  });

  test("removes what somebody else has changed meanwhile, and asks once for many deletions", async () => {
    const engine = new SharedEngine();
    const storage = createStorage(engine);
    for (const key of ["a", "b", "c"]) engine.write(`=${key}`, "1", "not");
    engine.commit.mockImplementationOnce(async (commits) => {
      engine.write("=b", "2", "not");
      return commits.map((commit) => engine.table.apply(commit));
    });
    expect(await Promise.all(["a", "b", "c", "d"].map((key) => storage.delete(key)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(engine.read.mock.calls).toEqual([[["=a", "=b", "=c", "=d"]], [["=b"]]]);
    expect(engine.table.read(["=a", "=b", "=c"])).toEqual([undefined, undefined, undefined]);
  });

  test("checks what a transaction has read in memory, though it read only that and wrote nothing", async () => {
    const engine = new SharedEngine();
    const storage = createStorage(engine);
    await storage.set("a", 1);
    await storage.get("a");
    engine.write("=a", "2", "not");
    expect(await storage.transaction((transaction) => transaction.get("a"))).toBe(2);
    await storage.get("a");
    engine.write("=a", "3", "not");
    await storage.transaction(async (transaction) => {
      if ((await transaction.get("a")) !== 3) throw new Error("it was another value");
    });
  });

  test("has nobody use an engine that is being closed, whatever the end of a lease brings about", async () => {
    const engine = new SharedEngine();
    const storage = createStorage(engine);
    const leases = await Promise.all(["a", "b", "c"].map((name) => storage.lease(name)));
    let attempt: Promise<unknown> = Promise.resolve();
    leases[0]?.signal.addEventListener("abort", () => {
      attempt = Promise.allSettled([storage.set("a", 1), storage.close()]);
    });
    engine.commit.mockClear();
    const close = vi.spyOn(engine, "close");
    await storage.close();
    expect(await attempt).toMatchObject([{ reason: { code: "closed" } }, { status: "fulfilled" }]);
    expect(engine.commit).toHaveBeenCalledTimes(1);
    expect(engine.commit.mock.calls[0]?.[0]).toHaveLength(3);
    expect(close).toHaveBeenCalledTimes(1);
  });

  test("reads shorter pages where values are long, and one row to find a namespace", async () => {
    const engine = new SharedEngine();
    const storage = createStorage(engine);
    const scan = vi.spyOn(engine, "scan");
    const keys = Array.from({ length: 300 }, (_, number) => String(number).padStart(3, "0"));
    await Promise.all(keys.map((key) => storage.namespace("n").set(key, "x".repeat(50_000))));
    const listed: string[] = [];
    for await (const [key] of storage.namespace("n").entries()) listed.push(key);
    expect(listed).toEqual(keys);
    expect(Math.max(...scan.mock.calls.map(([, , limit]) => limit))).toBe(32);
    scan.mockClear();
    for await (const name of storage.namespaces()) expect(name).toBe("n");
    expect(scan.mock.calls.map(([, , limit]) => limit)).toEqual([1, 1]);
  });

  test("hands large values to the engine in parts, so that no group is too long for anybody", async () => {
    const engine = new SharedEngine();
    const storage = createStorage(engine);
    const large = "x".repeat(7 * 1024 * 1024);
    await Promise.all(["a", "b", "c", "d"].map((key) => storage.set(key, large)));
    expect(engine.commit.mock.calls.map(([commits]) => commits.length)).toEqual([2, 2]);
  });

  test("rejects all that was written at one moment when the engine fails", async () => {
    const engine = new SharedEngine();
    const storage = createStorage(engine);
    engine.failure = new Error("the disk is on fire");
    for (const write of [storage.set("a", 1), storage.set("b", 2)]) {
      await expect(write).rejects.toMatchObject({ name: "StorageError", cause: engine.failure });
    }
  });

  test("needs two attempts for each of many transactions that change one value at once, not hundreds", async () => {
    const storage = createStorage(new SharedEngine());
    let runs = 0;
    const increment = (): Promise<void> =>
      storage.transaction(async (transaction) => {
        runs++;
        transaction.set("count", Number(await transaction.get("count", 0)) + 1);
      });
    await Promise.all(Array.from({ length: 100 }, increment));
    expect(await storage.get("count")).toBe(100);
    expect(runs).toBeLessThan(300);
  });

  test("lets nobody wait for ever behind a transaction that never ends", async () => {
    const storage = createStorage(new SharedEngine());
    let runs = 0;
    void storage.transaction(async (transaction) => {
      await transaction.get("a");
      await Promise.resolve();
      if (runs++ > 0) await new Promise(() => {});
      await storage.set("a", "theirs");
      transaction.set("a", "mine");
    });
    await vi.waitUntil(() => runs === 2);
    let others = 0;
    await storage.transaction(async (transaction) => {
      await transaction.get("a");
      await Promise.resolve();
      if (others++ === 0) await storage.set("a", "changed");
      transaction.set("a", "written");
    });
    expect(await storage.get("a")).toBe("written");
  });
});
