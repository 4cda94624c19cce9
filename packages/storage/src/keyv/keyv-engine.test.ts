import { Keyv } from "keyv";
import { describe, expect, test } from "vitest";
import type { ContractFixture } from "../contract.js";
import type { Commit } from "../engine.js";
import type { Storage } from "../storage.js";
import { describeContract } from "../testing/describe-contract.js";
import { FailingStore } from "../testing/failing-store.js";
import { toStorage } from "../to-storage.js";
import { keyvEngine } from "./keyv-engine.js";

// The same tests run with Keyv 6 in CI.
const isKeyv6 = !("throwOnErrors" in new Keyv());

function makeStore(): ContractFixture {
  const keyv = new Keyv(new Map());
  return { open: async () => toStorage(keyv), isDurable: true, isShared: true };
}

async function entriesOf(storage: Storage): Promise<unknown[]> {
  const entries: unknown[] = [];
  for await (const entry of storage.entries()) entries.push(entry);
  return entries;
}

describe("toStorage of a Keyv", () => {
  describeContract(makeStore);

  test("finds everything through another Keyv on the same store", async () => {
    const store = new Map();
    const keys = Array.from({ length: 400 }, (_, index) => `key ${String(index).padStart(3, "0")}`);
    const before = toStorage(new Keyv({ store }));
    await before.transaction((transaction) => {
      for (const key of keys) transaction.set(key, 1);
    });
    await before.delete("key 200");
    const after = toStorage(new Keyv({ store }));
    expect(await entriesOf(after)).toEqual(keys.filter((key) => key !== "key 200").map((key) => [key, 1]));
  });

  test("leaves what is not its own in the Keyv", async () => {
    const keyv = new Keyv();
    await keyv.set("mine", 1);
    const storage = toStorage(keyv);
    await storage.set("mine", 2);
    await storage.clear();
    expect(await keyv.get("mine")).toBe(1);
  });

  test.each(["keyv", "a", "=a", "@alice:example.org", ""])("is right in a Keyv of namespace %j", async (namespace) => {
    const storage = toStorage(new Keyv({ namespace }));
    for (const key of [`${namespace}:a`, "a", ":a"]) await storage.set(key, key);
    for (const key of [`${namespace}:a`, "a", ":a"]) expect(await storage.get(key)).toBe(key);
  });

  test("keeps values for ever, whatever the Keyv's time to live", async () => {
    const keyv = new Keyv({ ttl: 1 });
    const storage = toStorage(keyv);
    await storage.set("a", 1);
    expect((await keyv.getRaw("%3Da"))?.expires).toBeUndefined();
  });

  test("says at once what it cannot promise", () => {
    expect(toStorage(new Keyv()).guarantees).toEqual({ durability: "unknown", sharing: "nobody" });
  });

  test("gives the Keyv keys of nothing but letters, digits and percent signs, which no Keyv cleans away", async () => {
    const map = new Map<string, unknown>();
    const options = { store: map, sanitize: { keys: true } };
    const storage = toStorage(new Keyv(options));
    const keys = ["a--b", "ab", "a;b", "a/*b", "a../b", "$a", "a-_.!~*'()b"];
    for (const key of keys) await storage.set(key, key);
    expect(await storage.getMany(keys)).toEqual(keys);
    const stored = [...map.keys()].filter((key) => !key.includes("storage-"));
    expect(stored).toEqual(keys.map(() => expect.stringMatching(/^(keyv:)?[A-Za-z0-9%]+$/)));
  });

  test("is right in a Keyv that serializes otherwise, compresses or encrypts", async () => {
    const reversed = (text: string): string => Array.from(text).toReversed().join("");
    const stringify = (data: unknown): string => reversed(JSON.stringify(data));
    const parse = (text: string): unknown => JSON.parse(reversed(text));
    const compression = {
      compress: async (text: string) => reversed(text),
      decompress: async (text: string) => reversed(text),
    };
    // What only the other version of Keyv knows does nothing.
    for (const options of [
      { compression },
      { encryption: { encrypt: async (text: string) => reversed(text), decrypt: reversed }, ttl: 1000 },
      { serialize: stringify, deserialize: parse, serialization: { stringify, parse } },
      { serialize: undefined, deserialize: undefined, serialization: false },
    ]) {
      const store = new Map();
      // @ts-expect-error: Keyv takes no serialization as well, which its types do not say
      const open = (): Storage => toStorage(new Keyv({ store, ...options }));
      await open().transaction((transaction) => {
        for (const key of ["a", "b"]) transaction.set(key, { key, bytes: Uint8Array.of(1) });
      });
      expect(await open().getMany(["a", "b"])).toEqual([
        { key: "a", bytes: Uint8Array.of(1) },
        { key: "b", bytes: Uint8Array.of(1) },
      ]);
    }
  });

  test("rejects what the Keyv cannot decode, whoever listens to its errors", async () => {
    for (const isListenedTo of [false, true]) {
      const map = new Map<string, unknown>();
      const keyv = new Keyv({ store: map });
      const storage = toStorage(keyv);
      await storage.set("a", 1);
      for (const key of map.keys()) if (key.includes("%3Da")) map.set(key, "{half");
      if (isListenedTo) keyv.on("error", () => {});
      await expect(storage.get("a")).rejects.toMatchObject({ name: "StorageError" });
      expect(keyv.listeners("error")).toHaveLength(isListenedTo ? 1 : 0);
    }
  });

  test("makes commits that come together in one step, each on what the one before has left", async () => {
    const store = new FailingStore();
    const engine = keyvEngine(new Keyv({ store }));
    const commit = (own: Partial<Commit>): Commit => ({ expected: new Map(), cleared: [], written: new Map(), ...own });
    const group = [
      commit({ written: new Map([["=a", "1"]]) }),
      commit({ expected: new Map([["=a", undefined]]), written: new Map([["=b", "1"]]) }),
      commit({ expected: new Map([["=a", "1"]]), written: new Map([["=a", "2"]]) }),
      commit({ cleared: ["="], written: new Map([["=c", "1"]]) }),
      commit({ expected: new Map([["=a", undefined]]), written: new Map([["=d", "1"]]) }),
      commit({ expected: new Map([["=d", "1"]]) }),
    ];
    expect(await engine.commit(group)).toEqual([true, false, true, true, true, true]);
    expect(await engine.scan("", "", 10)).toEqual([
      ["=c", "1"],
      ["=d", "1"],
    ]);
    const before = store.writes;
    await engine.commit(["e", "f", "g"].map((key) => commit({ written: new Map([[key, "1"]]) })));
    // The journal, the values, the index, and the journal again.
    expect(store.writes - before).toBe(6);
  });

  test("disconnects the Keyv when it is closed", async () => {
    const store = new FailingStore();
    await toStorage(new Keyv({ store })).close();
    expect(store.isConnected).toBe(false);
  });

  describe("on a store that fails", () => {
    test.each(["throws", "answers false", "emits an error and answers nothing"] as const)(
      "rejects every call when it %s, and goes on when it works again",
      async (failure) => {
        const store = new FailingStore();
        const storage = toStorage(new Keyv({ store }));
        await storage.set("a", 1);
        await storage.set("b", 1);
        store.failure = failure;
        const failed = { name: "StorageError" };
        await expect(storage.set("a", 2)).rejects.toMatchObject(failed);
        await expect(storage.delete("a")).rejects.toMatchObject(failed);
        await expect(storage.clear()).rejects.toMatchObject(failed);
        await expect(
          storage.transaction((transaction) => {
            transaction.set("a", 2);
            transaction.set("c", 2);
          }),
        ).rejects.toMatchObject(failed);
        if (failure !== "answers false") {
          const cause = expect.objectContaining({ message: "the store cannot be reached" });
          await expect(storage.get("a")).rejects.toMatchObject({ ...failed, cause });
          await expect(storage.getMany(["a", "b"])).rejects.toMatchObject(failed);
          await expect(entriesOf(storage)).rejects.toMatchObject(failed);
        }
        store.failure = undefined;
        expect(await entriesOf(storage)).toEqual([
          ["a", 1],
          ["b", 1],
        ]);
        await storage.set("a", 3);
        expect(await storage.get("a")).toBe(3);
      },
    );

    test.skipIf(isKeyv6)("rejects when the Keyv tells nobody that it failed", async () => {
      const store = new FailingStore();
      const storage = toStorage(new Keyv({ store, emitErrors: false }));
      await storage.set("a", 1);
      store.failure = "emits an error and answers nothing";
      await expect(storage.get("a")).rejects.toMatchObject({
        name: "StorageError",
        message: expect.stringContaining("not there"),
      });
    });

    test.skipIf(isKeyv6)("leaves the Keyv as strict or lenient as it was", async () => {
      const store = new FailingStore();
      const keyv = new Keyv({ store });
      const storage = toStorage(keyv);
      await storage.set("a", 1);
      await storage.set("b", 1);
      await storage.getMany(["a", "b"]);
      expect(keyv.throwOnErrors).toBe(false);
      store.failure = "throws";
      await expect(storage.getMany(["a", "b"])).rejects.toMatchObject({ name: "StorageError" });
      await expect(storage.set("a", 1)).rejects.toMatchObject({ name: "StorageError" });
      expect(await keyv.set("a", 1)).toBe(false);
      expect(keyv.listeners("error")).toEqual([]);
    });

    test("has all of a commit or nothing, after whichever write the process ends", async () => {
      const outcomes: unknown[] = [];
      for (let writes = 0; writes < 12; writes++) {
        const store = new FailingStore();
        const before = toStorage(new Keyv({ store }));
        await before.set("a", "old");
        await before.set("b", "old");
        store.writesLeft = writes;
        const change = before.transaction((transaction) => {
          transaction.set("a", "new");
          transaction.delete("b");
          transaction.set("c", "new");
        });
        const isAcknowledged = await change.then(
          () => true,
          () => false,
        );
        store.writesLeft = Infinity;
        const found = await entriesOf(toStorage(new Keyv({ store })));
        const isNew = JSON.stringify(found) === '[["a","new"],["c","new"]]';
        if (!isNew)
          expect(found).toEqual([
            ["a", "old"],
            ["b", "old"],
          ]);
        expect(isNew).toBe(isAcknowledged);
        outcomes.push(isNew);
      }
      expect(new Set(outcomes)).toEqual(new Set([false, true]));
    });

    test("does not do again what another Keyv has done since it was closed", async () => {
      const store = new FailingStore();
      const keyv = new Keyv({ store });
      const storage = toStorage(keyv);
      await storage.set("a", "old");
      // The journal, and nothing after it.
      store.writesLeft = 1;
      await storage.transaction((transaction) => {
        transaction.set("a", "decided");
        transaction.set("b", "decided");
      });
      await storage.close();
      store.writesLeft = Number.POSITIVE_INFINITY;
      const other = toStorage(new Keyv({ store }));
      expect(await other.getMany(["a", "b"])).toEqual(["decided", "decided"]);
      await other.set("a", "newer");
      await other.delete("b");
      await other.close();
      expect(await toStorage(keyv).getMany(["a", "b"])).toEqual(["newer", undefined]);
    });

    test("finishes a decided commit before it answers anything else", async () => {
      const store = new FailingStore();
      const storage = toStorage(new Keyv({ store }));
      await storage.set("a", "old");
      // The journal, and nothing after it.
      store.writesLeft = 1;
      await storage.transaction((transaction) => {
        transaction.set("a", "new");
        transaction.set("b", "new");
      });
      await expect(storage.get("a")).rejects.toMatchObject({ name: "StorageError" });
      store.writesLeft = Infinity;
      expect(await storage.getMany(["a", "b"])).toEqual(["new", "new"]);
    });

    test.each([1, 2, 3, 4, 5, 6])("loses nothing when the first %i reads find nothing", async (reads) => {
      const store = new FailingStore();
      const before = toStorage(new Keyv({ store }));
      await before.set("a", "old");
      // The journal, and nothing after it.
      store.writesLeft = 1;
      await before.transaction((transaction) => {
        transaction.set("a", "new");
        transaction.set("b", "new");
      });
      store.writesLeft = Number.POSITIVE_INFINITY;
      const storage = toStorage(new Keyv({ store }));
      store.readsToLose = reads;
      const found: unknown = await storage.get("a").catch((error: unknown) => error);
      if (found !== "new") expect(found).toMatchObject({ name: "StorageError" });
      store.readsToLose = 0;
      await storage.set("c", "new");
      expect(await entriesOf(toStorage(new Keyv({ store })))).toEqual([
        ["a", "new"],
        ["b", "new"],
        ["c", "new"],
      ]);
    });

    test("has all of a new store or nothing, after whichever write the process ends", async () => {
      for (let writes = 0; writes < 8; writes++) {
        const store = new FailingStore();
        store.writesLeft = writes;
        await toStorage(new Keyv({ store }))
          .set("a", 1)
          .catch(() => undefined);
        store.writesLeft = Number.POSITIVE_INFINITY;
        const storage = toStorage(new Keyv({ store }));
        await storage.set("b", 1);
        expect(await storage.get("b")).toBe(1);
      }
    });

    test("removes what may be left of a rejected commit when it is closed, or rejects", async () => {
      for (const isBack of [true, false]) {
        const store = new FailingStore();
        const storage = toStorage(new Keyv({ store }));
        await storage.set("a", "old");
        store.failure = "stores and throws";
        const change = storage.transaction((transaction) => {
          transaction.set("a", "new");
          transaction.set("b", "new");
        });
        await expect(change).rejects.toMatchObject({ name: "StorageError" });
        store.failure = isBack ? undefined : "throws";
        const closing = storage.close();
        if (isBack) await closing;
        else {
          await expect(closing).rejects.toMatchObject({
            name: "StorageError",
            message: expect.stringContaining("may still be made"),
          });
        }
        expect(store.isConnected).toBe(false);
        store.failure = undefined;
        if (isBack) expect(await entriesOf(toStorage(new Keyv({ store })))).toEqual([["a", "old"]]);
      }
    });

    test("never makes a commit that it has rejected, though its journal was stored after all", async () => {
      const store = new FailingStore();
      const storage = toStorage(new Keyv({ store }));
      await storage.set("a", "old");
      store.failure = "stores and throws";
      const change = storage.transaction((transaction) => {
        transaction.set("a", "new");
        transaction.set("b", "new");
      });
      await expect(change).rejects.toMatchObject({ name: "StorageError" });
      store.failure = undefined;
      expect(await storage.getMany(["a", "b"])).toEqual(["old", undefined]);
      expect(await toStorage(new Keyv({ store })).getMany(["a", "b"])).toEqual(["old", undefined]);
    });
  });

  test.each([
    ["storage-keys-0", { format: 2, pageCount: 1, keys: [] }],
    ["storage-journal", { format: 2, entries: [["storage-keys-0", "later"]] }],
  ])("refuses, and leaves as it is, what a later version has written at %s", async (later, value) => {
    const keyv = new Keyv();
    await toStorage(keyv).set("a", 1);
    const journal = { format: 1, entries: [["%3Da", "2"]] };
    await keyv.set("storage-journal", JSON.stringify(journal));
    await keyv.set(later, JSON.stringify(value));
    await expect(toStorage(new Keyv({ store: keyv.store })).get("a")).rejects.toMatchObject({
      name: "StorageError",
      code: "newer-format",
      message: expect.stringContaining("update @mx/storage"),
    });
    expect(await keyv.get("%3Da")).toBe("1");
    expect(await keyv.get(later)).toBe(JSON.stringify(value));
  });

  test.each(["storage-keys-0", "storage-journal"])(
    "refuses, without quoting it, what is not its own at %s",
    async (key) => {
      for (const value of ["s3cret", '"s3cret"', "null", "{}"]) {
        const keyv = new Keyv();
        await toStorage(keyv).set("a", 1);
        await keyv.set(key, value);
        const error: unknown = await toStorage(new Keyv({ store: keyv.store }))
          .get("a")
          .catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ name: "StorageError", code: "damaged" });
        expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("s3cret");
        expect(await keyv.get(key)).toBe(value);
      }
    },
  );
});
