import { afterEach, describe, expect, test, vi } from "vitest";
import { createStorage } from "./create-storage.js";
import type { StorageEngine } from "./engine.js";
import { timers } from "./env.js";
import { StorageError } from "./storage-error.js";
import { Table } from "./table.js";

/** An engine in memory, with some methods of its own. */
function engineWith(own: Partial<StorageEngine>): StorageEngine {
  const table = new Table();
  return {
    read: async (keys) => table.read(keys),
    scan: async (prefix, after, limit) => table.scan(prefix, after, limit),
    commit: async (commits) => commits.map((commit) => table.apply(commit)),
    close: async () => {},
    ...own,
  };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("createStorage", () => {
  test("makes a StorageError of whatever an engine throws, with the error as its cause", async () => {
    const cause = new Error("the disk is on fire");
    const fail = async (): Promise<never> => {
      throw cause;
    };
    const failAtOnce = (): never => {
      throw cause;
    };
    for (const engine of [
      engineWith({ read: fail, scan: fail, commit: fail, close: fail }),
      engineWith({ read: failAtOnce, scan: failAtOnce, commit: failAtOnce, close: failAtOnce }),
    ]) {
      const storage = createStorage(engine);
      const reading = { name: "StorageError", message: "Cannot read from the storage: the disk is on fire", cause };
      const writing = { name: "StorageError", message: "Cannot write to the storage: the disk is on fire", cause };
      await expect(storage.get("a")).rejects.toMatchObject(reading);
      await expect(storage.entries()[Symbol.asyncIterator]().next()).rejects.toMatchObject(reading);
      await expect(storage.set("a", 1)).rejects.toMatchObject(writing);
      await expect(storage.delete("a")).rejects.toMatchObject(writing);
      await expect(storage.transaction((transaction) => transaction.get("a"))).rejects.toMatchObject(reading);
      await expect(storage.transaction((transaction) => transaction.set("a", 1))).rejects.toMatchObject(writing);
      await expect(storage.close()).rejects.toMatchObject({ message: "Cannot close the storage: the disk is on fire" });
    }
  });

  test("passes on the StorageError of an engine as it is", async () => {
    const error = new StorageError("Cannot read the tape: it is upside down");
    const storage = createStorage(engineWith({ read: () => Promise.reject(error) }));
    await expect(storage.get("a")).rejects.toBe(error);
  });

  test("says which key holds what no storage has written", async () => {
    const storage = createStorage(engineWith({ read: async () => ["{half"] }));
    await expect(storage.get("token")).rejects.toMatchObject({
      name: "StorageError",
      message: 'Cannot read "token": what is stored there was not written by a storage',
    });
  });

  test("gives up a transaction that loses every time", async () => {
    vi.spyOn(timers, "setTimeout").mockImplementation((callback) => {
      queueMicrotask(callback);
      return setTimeout(() => {}, 0);
    });
    const commit = vi.fn<StorageEngine["commit"]>(async () => [false]);
    const storage = createStorage(engineWith({ commit }));
    await expect(storage.transaction((transaction) => transaction.set("a", 1))).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringContaining("in 1000 attempts"),
    });
    expect(commit).toHaveBeenCalledTimes(1000);
  });

  test("says that it has failed when nobody can tell whether a function threw because of two moments", async () => {
    const storage = createStorage(engineWith({ commit: () => Promise.reject(new Error("the disk is on fire")) }));
    const fail = (keys: string[]): Promise<void> =>
      storage.transaction(async (transaction) => {
        await transaction.getMany(keys);
        throw new RangeError("of the function");
      });
    await expect(fail(["a", "b"])).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringMatching(/fire/),
    });
    await expect(fail([])).rejects.toThrow("of the function");
  });

  test("closes the engine once, after the calls that are in flight", async () => {
    const steps: string[] = [];
    let finish = (): void => {};
    const isFinished = new Promise<void>((resolve) => (finish = resolve));
    const storage = createStorage(
      engineWith({
        commit: async () => {
          await isFinished;
          steps.push("commit");
          return [true];
        },
        close: async () => void steps.push("close"),
      }),
    );
    const write = storage.set("a", 1);
    const closings = [storage.close(), storage.close()];
    finish();
    await Promise.all([write, ...closings]);
    expect(steps).toEqual(["commit", "close"]);
  });

  test("asks the engine for one page at a time, and only while somebody listens", async () => {
    const scan = vi.fn<StorageEngine["scan"]>(async (_prefix, after, limit) => {
      const first = after === "" ? 0 : Number(after.slice(1)) + 1;
      return Array.from({ length: limit }, (_, index) => [`=${first + index}`, "1"]);
    });
    const storage = createStorage(engineWith({ scan }));
    let count = 0;
    for await (const [key] of storage.entries()) {
      expect(key).toBe(String(count++));
      if (count === 150) break;
    }
    expect(scan).toHaveBeenCalledTimes(2);
  });
});
