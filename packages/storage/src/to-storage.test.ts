import { Keyv } from "keyv";
import { expect, test } from "vitest";
import { memoryStorage } from "./memory.js";
import { FailingStore } from "./testing/failing-store.js";
import { toStorage } from "./to-storage.js";

test("returns a storage as it is", () => {
  const storage = memoryStorage();
  expect(toStorage(storage)).toBe(storage);
});

test("makes a storage of a Keyv and of a Map", async () => {
  for (const given of [new Keyv(), new Map<string, unknown>()]) {
    const storage = toStorage(given);
    await storage.set("a", 1);
    expect(await storage.get("a")).toBe(1);
  }
});

test("opens nothing of a Keyv that is closed before it was used, and disconnects it", async () => {
  const store = new FailingStore();
  const storage = toStorage(new Keyv({ store }));
  await storage.close();
  expect(store.calls).toBe(0);
  expect(store.isConnected).toBe(false);
});

test("refuses what is only a part of a storage, and says which part is missing", () => {
  const names = ["get", "getMany", "has", "set", "delete", "clear", "entries", "transaction", "namespace", "close"];
  const older = Object.fromEntries(names.map((name) => [name, () => undefined]));
  // @ts-expect-error: what a caller without types may do
  expect(() => toStorage(older)).toThrow(
    /Cannot use the storage: it has no namespaces, lease, guarantees; .*createStorage/,
  );
});

test("takes the storage of somebody else that has all of the interface", () => {
  const storage = memoryStorage();
  const counting = new Proxy(storage, {});
  expect(toStorage(counting)).toBe(counting);
});

test("says what it was given when that is nothing it knows", () => {
  for (const [given, named] of [
    [null, "null"],
    [undefined, "undefined"],
    ["alice.db", '"alice.db"'],
    [Promise.resolve(), "a promise"],
    [{}, "object"],
    [new Set(), "object"],
  ] as const) {
    // @ts-expect-error: what a caller without types may do
    expect(() => toStorage(given)).toThrow(new RegExp(`Cannot use ${named} as a storage`));
  }
});
