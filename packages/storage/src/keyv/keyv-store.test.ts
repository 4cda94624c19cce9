import { join } from "node:path";
import { Keyv } from "keyv";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createStorage } from "../create-storage.js";
import type { StorageEngine } from "../engine.js";
import { fileStorage } from "../file/file-storage.js";
import { memoryStorage } from "../memory.js";
import type { Storage } from "../storage.js";
import { Table } from "../table.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { toStorage } from "../to-storage.js";
import { type KeyvStore, keyvStore } from "./keyv-store.js";

// The same tests run with Keyv 6 in CI.
const isKeyv6 = !("throwOnErrors" in new Keyv());

/** A Keyv that passes on what fails. */
function strictKeyv(store: KeyvStore, namespace?: string): Keyv {
  // Keyv 5 without a namespace puts nothing before a key, and still removes that when it lists, unless it is told not to.
  if (namespace === "") return new Keyv({ store, throwOnErrors: true, namespace, useKeyPrefix: false });
  return new Keyv({ store, throwOnErrors: true, ...(namespace === undefined ? {} : { namespace }) });
}

async function listed(keyv: Keyv): Promise<unknown[]> {
  const entries: unknown[] = [];
  for await (const entry of keyv.iterator?.(undefined) ?? []) entries.push(entry);
  return entries;
}

/** How much is stored, expired or not. */
async function count(storage: Storage): Promise<number> {
  let keys = 0;
  for await (const name of storage.namespaces()) keys += await count(storage.namespace(name));
  for await (const _entry of storage.entries()) keys++;
  return keys;
}

/** An engine in memory, with some methods of its own. */
function engineWith(own: (table: Table) => Partial<StorageEngine>): StorageEngine {
  const table = new Table();
  return {
    read: async (keys) => table.read(keys),
    scan: async (prefix, after, limit) => table.scan(prefix, after, limit),
    commit: async (commits) => commits.map((commit) => table.apply(commit)),
    close: async () => {},
    ...own(table),
  };
}

describe("keyvStore", () => {
  test("gives back what a Keyv on a Map gives back", async () => {
    const onStorage = strictKeyv(keyvStore(memoryStorage()));
    const onMap = new Keyv();
    const json = [null, false, 0, "", "text", ":base64:AQ==", [1, [2]], { a: { b: null } }];
    const others = [new Date(0), NaN, new Map([[1, 2]]), Buffer.from("bytes"), { bytes: Buffer.from([1]) }, undefined];
    for (const value of [...json, ...others]) {
      await onStorage.set("key", value);
      await onMap.set("key", value);
      expect(await onStorage.get("key")).toEqual(await onMap.get("key"));
      expect(await onStorage.has("key")).toBe(await onMap.has("key"));
    }
  });

  test("stores a BigInt if the Keyv has a serialization for it, and stores nothing when that fails", async () => {
    const storage = memoryStorage();
    const keyv = strictKeyv(keyvStore(storage));
    if (isKeyv6) {
      await keyv.set("big", 1n);
      expect(await keyv.get("big")).toBe(1n);
    } else {
      await expect(keyv.set("big", 1n)).rejects.toThrow(TypeError);
      expect(await count(storage)).toBe(0);
    }
  });

  test("takes values from a Keyv without serialization, and refuses those that a storage cannot keep", async () => {
    const options = { serialization: false, serialize: undefined, deserialize: undefined, throwOnErrors: true };
    // @ts-expect-error: Keyv takes no serialization as well, which its types do not say
    const keyv = new Keyv({ store: keyvStore(memoryStorage()), ...options });
    await keyv.set("object", { a: [1, null], bytes: Uint8Array.of(1) });
    expect(await keyv.get("object")).toEqual({ a: [1, null], bytes: Uint8Array.of(1) });
    await keyv.set("expiring", "text", 60_000);
    expect(await keyv.get("expiring")).toBe("text");
    await expect(keyv.set("date", new Date(0))).rejects.toThrow(/value\.value: it is .*Date/);
    expect(await keyv.get("date")).toBeUndefined();
  });

  test("reads, writes and removes many at once, in the order in which they were asked for", async () => {
    const keyv = strictKeyv(keyvStore(memoryStorage()));
    const entries = ["c", "a", "b"].map((key) => ({ key, value: `value of ${key}` }));
    expect(await keyv.setMany(entries)).toEqual([true, true, true]);
    expect(await keyv.getMany(["b", "nothing", "a", "b"])).toEqual([
      "value of b",
      undefined,
      "value of a",
      "value of b",
    ]);
    expect(await keyv.hasMany(["b", "nothing", "a"])).toEqual([true, false, true]);
    expect(await keyv.delete(["a", "b"])).toEqual(isKeyv6 ? [true, true] : true);
    expect(await keyv.delete(["c", "nothing"])).toEqual(isKeyv6 ? [true, false] : false);
    expect(await listed(keyv)).toEqual([]);
    expect(await keyv.getMany([])).toEqual([]);
    expect(await keyv.setMany([])).toEqual([]);
  });

  test("writes many at once in one commit", async () => {
    const commit = vi.fn<StorageEngine["commit"]>();
    const storage = createStorage(
      engineWith((table) => ({
        commit: commit.mockImplementation(async (all) => all.map((each) => table.apply(each))),
      })),
    );
    await strictKeyv(keyvStore(storage)).setMany(["a", "b", "c"].map((key) => ({ key, value: 1 })));
    expect(commit.mock.calls.map(([commits]) => commits.map(({ written }) => written.size))).toEqual([[3]]);
  });

  test("lists everything once, in order, though what was listed is deleted meanwhile", async () => {
    const keyv = strictKeyv(keyvStore(memoryStorage()));
    const keys = Array.from({ length: 250 }, (_, index) => `key ${String(index).padStart(3, "0")}`);
    await keyv.setMany(keys.map((key) => ({ key, value: key })));
    const seen: unknown[] = [];
    for await (const [key, value] of keyv.iterator?.(undefined) ?? []) {
      expect(value).toBe(key);
      seen.push(key);
      await keyv.delete(key);
    }
    expect(seen).toEqual(keys);
    expect(await listed(keyv)).toEqual([]);
  });

  test("is found again by the next Keyv, in the file", async () => {
    const path = join(await temporaryFolder(), "cache.mx");
    const before = new Keyv(
      keyvStore(() => fileStorage(path)),
      { ttl: 60_000 },
    );
    await before.set("a", "kept");
    await before.disconnect();
    const after = strictKeyv(keyvStore(() => fileStorage(path)));
    expect(await after.get("a")).toBe("kept");
    await after.disconnect();
  });

  test("carries a storage on a Keyv on a storage", async () => {
    const storage = toStorage(new Keyv({ store: keyvStore(memoryStorage()) }));
    await storage.transaction((transaction) => {
      for (const key of ["a", "b"]) transaction.set(key, Uint8Array.of(1));
    });
    expect(await storage.getMany(["a", "b"])).toEqual([Uint8Array.of(1), Uint8Array.of(1)]);
  });

  describe("in namespaces", () => {
    test.each([
      ["a_b", "aXb"],
      ["a%", "aZZ"],
      ["a*", "aZZ"],
      ["a[bc]", "ab"],
      ["a?", "ax"],
      ["a", "A"],
      ["a", "a:b"],
      ["a", "a::b"],
      ["a", "a/"],
      ["n", "nn"],
      ["@bob:example.org", "@Bob:example.org"],
      ["%", "%25"],
      ["", "keyv"],
      ["a", "😀"],
    ])("keeps %j and %j apart", async (one, other) => {
      for (const [cleared, kept] of [
        [one, other],
        [other, one],
      ] as const) {
        const storage = memoryStorage();
        const ours = strictKeyv(keyvStore(storage), cleared);
        const theirs = strictKeyv(keyvStore(storage), kept);
        for (const key of ["token", "b:token", "to:ken"]) {
          await ours.set(key, "ours");
          await theirs.set(key, "theirs");
          expect(await ours.get(key)).toBe("ours");
        }
        expect(await listed(ours)).toEqual(["b:token", "to:ken", "token"].map((key) => [key, "ours"]));
        await ours.clear();
        expect(await listed(ours)).toEqual([]);
        expect(await listed(theirs)).toEqual(["b:token", "to:ken", "token"].map((key) => [key, "theirs"]));
        expect(await theirs.getMany(["token", "b:token"])).toEqual(["theirs", "theirs"]);
      }
    });

    test("lists the keys as they are for a Keyv that puts no namespace before them", async () => {
      for (const namespace of ["a", "@bot:example.org"]) {
        const keyv = new Keyv({ store: keyvStore(memoryStorage()), namespace, useKeyPrefix: false });
        await keyv.set("to:ken", 1);
        expect(await listed(keyv)).toEqual([["to:ken", 1]]);
      }
    });

    test("leaves alone what else is in the storage, and in the one above", async () => {
      const storage = memoryStorage();
      await storage.set("a", "mine");
      await storage.namespace("keyv").set("a", "mine");
      await storage.namespace("inner").namespace("session").set("a", "mine");
      const keyv = strictKeyv(keyvStore(storage.namespace("inner")), "session");
      await keyv.set("a", 1);
      await keyv.clear();
      expect(await storage.get("a")).toBe("mine");
      expect(await storage.namespace("keyv").get("a")).toBe("mine");
      expect(await storage.namespace("inner").namespace("session").get("a")).toBe("mine");
    });

    test("goes along when the Keyv changes its namespace", async () => {
      const keyv = strictKeyv(keyvStore(memoryStorage()), "a");
      await keyv.set("key", "in a");
      keyv.namespace = "b";
      expect(await keyv.get("key")).toBeUndefined();
      await keyv.set("key", "in b");
      expect(await listed(keyv)).toEqual([["key", "in b"]]);
      await keyv.clear();
      keyv.namespace = "a";
      expect(await listed(keyv)).toEqual([["key", "in a"]]);
    });

    test("may be shared by Keyvs of the same namespace", async () => {
      const store = keyvStore(memoryStorage());
      const [one, other] = [strictKeyv(store, "a"), strictKeyv(store, "a")];
      await one.set("key", 1);
      expect(await other.get("key")).toBe(1);
      await other.clear();
      expect(await listed(one)).toEqual([]);
    });

    test.runIf(isKeyv6)(
      "is refused when it is shared by Keyv 6 of different namespaces, which it cannot tell apart",
      async () => {
        const store = keyvStore(memoryStorage());
        const first = strictKeyv(store, "a");
        await first.set("key", "in a");
        expect(() => strictKeyv(store, "b")).toThrow(/namespaces "a" and "b": make one for each/);
        expect(await first.get("key")).toBe("in a");
        const unnamed = keyvStore(memoryStorage());
        const keyv = strictKeyv(unnamed);
        await keyv.set("key", "unnamed");
        expect(() => strictKeyv(unnamed, "b")).toThrow(/namespaces "" and "b"/);
        expect(await keyv.get("key")).toBe("unnamed");
      },
    );

    test.skipIf(isKeyv6)(
      "tells Keyv 5 of different namespaces apart, and refuses to clear what they share",
      async () => {
        const store = keyvStore(memoryStorage());
        const one = strictKeyv(store, "before");
        one.namespace = "a";
        const other = strictKeyv(store, "@b:c");
        await one.set("key", "in a");
        await other.set("key", "in b");
        await one.setMany([{ key: "more", value: "in a" }]);
        expect(await one.getMany(["key", "more"])).toEqual(["in a", "in a"]);
        expect(await other.get("key")).toBe("in b");
        expect(await listed(one)).toEqual([
          ["key", "in a"],
          ["more", "in a"],
        ]);
        expect(await listed(other)).toEqual([["key", "in b"]]);
        expect(await one.delete("key")).toBe(true);
        await expect(one.clear()).rejects.toThrow(/Cannot clear: Keyvs of the namespaces "a", "@b:c" share/);
        expect(await other.get("key")).toBe("in b");
        expect(() => (one.namespace = "d")).toThrow(/make one for each/);
        // Whose key this is, nobody knows.
        await expect(strictKeyv(store, "@b").get("c:key")).rejects.toThrow(/share a keyvStore/);
        const unprefixed = new Keyv({ store, namespace: "e", useKeyPrefix: false, throwOnErrors: true });
        await expect(unprefixed.get("key")).rejects.toThrow(/share a keyvStore/);
        await expect(strictKeyv(store, "").get("undefined:key")).rejects.toThrow(/share a keyvStore/);
      },
    );

    test("is refused when a Keyv of the other version has it already", () => {
      const store = keyvStore(memoryStorage());
      expect(strictKeyv(store)).toBeInstanceOf(Keyv);
      const attachTheOther = isKeyv6
        ? () => store.on("error", () => {}).opts
        : () => store.capabilities.expires && store.on("error", () => {});
      expect(attachTheOther).toThrow(/a Keyv 5 and a Keyv 6/);
    });
  });

  describe("as time passes", () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 }));
    afterEach(() => void vi.useRealTimers());

    test("has what expires until that moment, and has it removed when it is met", async () => {
      for (const meet of [
        (keyv: Keyv) => keyv.get("a"),
        (keyv: Keyv) => keyv.has("a"),
        (keyv: Keyv) => keyv.getMany(["a", "b"]),
        listed,
      ]) {
        const storage = memoryStorage();
        const keyv = strictKeyv(keyvStore(storage));
        await keyv.set("a", 1, 1000);
        await keyv.set("b", 1);
        vi.advanceTimersByTime(1000);
        expect(await keyv.get("a")).toBe(1);
        expect(await keyv.has("a")).toBe(true);
        vi.advanceTimersByTime(1);
        await meet(keyv);
        expect(await count(storage)).toBe(1);
        expect(await keyv.get("a")).toBeUndefined();
        expect(await keyv.has("a")).toBe(false);
        expect(await listed(keyv)).toEqual([["b", 1]]);
      }
    });

    test("takes the expiry of each of many, and forgets it when a value is written without", async () => {
      const keyv = strictKeyv(keyvStore(memoryStorage()));
      await keyv.setMany([
        { key: "short", value: 1, ttl: 1000 },
        { key: "long", value: 1, ttl: 5000 },
        { key: "kept", value: 1 },
        { key: "endless", value: 1, ttl: Number.POSITIVE_INFINITY },
      ]);
      vi.advanceTimersByTime(1001);
      expect(await keyv.getMany(["short", "long", "kept", "endless"])).toEqual([undefined, 1, 1, 1]);
      await keyv.set("long", 2);
      vi.advanceTimersByTime(1_000_000);
      expect(await keyv.get("long")).toBe(2);
    });

    test("says of what has expired that it was not there to delete", async () => {
      const storage = memoryStorage();
      const store = keyvStore(storage);
      const keyv = strictKeyv(store);
      await keyv.set("a", 1, 1000);
      vi.advanceTimersByTime(1001);
      expect(await keyv.delete("a")).toBe(false);
      expect(await count(storage)).toBe(0);
    });

    test("does not let pile up what has expired and is never asked for", async () => {
      const scan = vi.fn<StorageEngine["scan"]>();
      const storage = createStorage(
        engineWith((table) => ({ scan: scan.mockImplementation(async (...from) => table.scan(...from)) })),
      );
      const keyv = strictKeyv(keyvStore(storage));
      let most = 0;
      let counted = 0;
      for (let round = 0; round < 20; round++) {
        for (let index = 0; index < 50; index++) await keyv.set(`${round}.${index}`, 1, 1000);
        const before = scan.mock.calls.length;
        most = Math.max(most, await count(storage));
        counted += scan.mock.calls.length - before;
        vi.advanceTimersByTime(1001);
      }
      expect(most).toBeLessThanOrEqual(200);
      expect(scan.mock.calls.length - counted).toBeLessThan(50);
    });

    test("speaks the contract of Keyv 6 until a Keyv 5 has it", async () => {
      const store = keyvStore(memoryStorage());
      expect(store.capabilities.expires).toBe(true);
      store.on("error", () => {});
      // Somebody else who listens is no second Keyv.
      store.on("error", () => {});
      store.namespace = "b";
      store.namespace = "a";
      expect(store.namespace).toBe("a");
      await store.set("a:key", "until", Date.now() + 1000);
      await store.setMany([
        { key: "b", value: "until", expires: Date.now() + 1000 },
        { key: "c", value: "for ever", expires: undefined },
      ]);
      const entries: unknown[] = [];
      for await (const entry of store.iterator()) entries.push(entry);
      expect(entries).toEqual([
        ["a:key", "until"],
        ["b", "until"],
        ["c", "for ever"],
      ]);
      vi.advanceTimersByTime(1001);
      expect(await store.hasMany(["a:key", "b", "c"])).toEqual([false, false, true]);
      expect(await store.deleteMany(["b", "c"])).toEqual([false, true]);
    });
  });

  describe("on a storage that fails", () => {
    test("rejects every call, and the Keyv does if it is told to", async () => {
      const fail = async (): Promise<never> => {
        throw new Error("the disk is on fire");
      };
      const store = keyvStore(createStorage(engineWith(() => ({ read: fail, scan: fail, commit: fail }))));
      const keyv = strictKeyv(store);
      for (const [onStore, onKeyv] of [
        [() => store.get("a"), () => keyv.get("a")],
        [() => store.getMany(["a"]), () => keyv.getMany(["a"])],
        [() => store.has("a"), () => keyv.has("a")],
        [() => store.hasMany(["a"]), () => keyv.hasMany(["a"])],
        [() => store.set("a", 1), () => keyv.set("a", 1)],
        [() => store.setMany([{ key: "a", value: 1 }]), () => keyv.setMany([{ key: "a", value: 1 }])],
        [() => store.delete("a"), () => keyv.delete("a")],
        [() => store.deleteMany(["a"]), () => keyv.deleteMany(["a"])],
        [() => store.clear(), () => keyv.clear()],
        [() => store.iterator().next(), () => listed(keyv)],
      ] as const) {
        await expect(onStore()).rejects.toMatchObject({ name: "StorageError" });
        await expect(onKeyv()).rejects.toThrow("the disk is on fire");
      }
    });

    test("says which key holds what no keyvStore has written", async () => {
      const storage = memoryStorage();
      const place = storage.namespace("keyv").namespace("");
      const store = keyvStore(storage);
      for (const value of ["text", null, [1], { value: 1, expires: "later" }, {}]) {
        await place.set("a", value);
        await expect(store.get("a")).rejects.toMatchObject({
          code: "damaged",
          message: expect.stringContaining('"a"'),
        });
      }
    });
  });

  describe("with a function that opens a storage", () => {
    test("opens it once, at the first call, and closes it when the Keyv is disconnected", async () => {
      let opened = 0;
      const storage = memoryStorage();
      const keyv = strictKeyv(
        keyvStore(async () => {
          opened++;
          return storage;
        }),
      );
      expect(opened).toBe(0);
      await Promise.all([keyv.set("a", 1), keyv.get("a"), keyv.set("b", 1)]);
      expect(opened).toBe(1);
      await keyv.disconnect();
      await keyv.disconnect();
      await expect(storage.get("a")).rejects.toMatchObject({ code: "closed" });
      await expect(keyv.get("a")).rejects.toMatchObject({ code: "closed" });
      expect(opened).toBe(1);
    });

    test("tries again to open what could not be opened, and has nothing to close before", async () => {
      let attempts = 0;
      const keyv = strictKeyv(
        keyvStore(async () => {
          if (++attempts === 1) throw new Error("locked");
          return memoryStorage();
        }),
      );
      await expect(keyv.set("a", 1)).rejects.toThrow("locked");
      await keyv.set("a", 1);
      expect(await keyv.get("a")).toBe(1);
      const unused = vi.fn<() => Promise<Storage>>();
      await strictKeyv(keyvStore(unused)).disconnect();
      expect(unused).not.toHaveBeenCalled();
    });

    test("closes what is still being opened when the Keyv is disconnected", async () => {
      const storage = memoryStorage();
      let open: (storage: Storage) => void = () => {};
      const keyv = strictKeyv(keyvStore(() => new Promise<Storage>((resolve) => (open = resolve))));
      const reading = keyv.get("a").catch((error: unknown) => error);
      await vi.waitFor(() => expect(open).toHaveLength(1));
      const disconnecting = keyv.disconnect();
      open(storage);
      await disconnecting;
      await reading;
      await expect(storage.get("a")).rejects.toMatchObject({ code: "closed" });
    });

    test("has nothing to close when opening fails after the Keyv was disconnected", async () => {
      let fail: (error: Error) => void = () => {};
      const keyv = strictKeyv(keyvStore(() => new Promise<Storage>((_resolve, reject) => (fail = reject))));
      const reading = keyv.get("a").catch((error: unknown) => error);
      await vi.waitFor(() => expect(fail).toHaveLength(1));
      const disconnecting = keyv.disconnect();
      fail(new Error("locked"));
      await disconnecting;
      expect(await reading).toMatchObject({ message: "locked" });
    });

    test("leaves a storage open that it was given", async () => {
      const storage = memoryStorage();
      onTestFinished(() => storage.close());
      const keyv = strictKeyv(keyvStore(storage));
      await keyv.set("a", 1);
      await keyv.disconnect();
      await expect(keyv.get("a")).rejects.toMatchObject({ code: "closed" });
      expect(await count(storage)).toBe(1);
      expect(await strictKeyv(keyvStore(storage)).get("a")).toBe(1);
    });
  });
});

// A Keyv 6 takes it for a store of keys that it makes itself, and changes nothing of it.
test.skipIf(isKeyv6)("a Keyv 5 cannot take a storage itself for its store, and its namespaces from it", async () => {
  const storage = memoryStorage();
  await storage.set("precious", 1);
  expect(() => new Keyv({ store: storage, namespace: "cache" })).toThrow(/namespace/);
  expect(() => new Keyv({ store: storage })).toThrow(/namespace/);
  expect(await storage.namespace("a").get("a")).toBeUndefined();
  expect(await storage.get("precious")).toBe(1);
});
