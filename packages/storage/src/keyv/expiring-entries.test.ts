import { expect, test, vi } from "vitest";
import { clock } from "../env.js";
import { memoryStorage } from "../memory.js";
import type { Storage } from "../storage.js";
import { ExpiringEntries } from "./expiring-entries.js";

test("never removes a value that was written while it looked at one that has expired", async () => {
  const storage = memoryStorage();
  await storage.set("a", { value: "old", expires: 1 });
  const getMany: Storage["getMany"] = async (keys) => {
    const found = await storage.getMany(keys);
    await storage.set("a", { value: "new" });
    return found;
  };
  const entries = new ExpiringEntries({ ...bound(storage), getMany });
  expect(await entries.getMany(["a"])).toEqual([undefined]);
  expect(await new ExpiringEntries(storage).getMany(["a"])).toEqual(["new"]);
});

test("removes many that have expired a hundred at a time while it lists", async () => {
  const now = vi.spyOn(clock, "now").mockReturnValue(1000);
  const storage = memoryStorage();
  const entries = new ExpiringEntries(storage);
  const keys = Array.from({ length: 250 }, (_, index) => `key ${String(index).padStart(3, "0")}`);
  await entries.setMany(keys.map((key, index) => ({ key, value: 1, expires: index % 125 === 0 ? undefined : 1500 })));
  now.mockReturnValue(1501);
  let transactions = 0;
  const transaction: Storage["transaction"] = (change) => {
    transactions++;
    return storage.transaction(change);
  };
  const listed: string[] = [];
  for await (const [key] of new ExpiringEntries({ ...bound(storage), transaction }).list()) listed.push(key);
  expect(listed).toEqual(["key 000", "key 125"]);
  expect(transactions).toBe(3);
  now.mockRestore();
  expect((await storage.getMany(keys)).filter((value) => value !== undefined)).toHaveLength(2);
});

test("answers though nothing can be removed", async () => {
  const storage = memoryStorage();
  await storage.set("expired", { value: "old", expires: 1 });
  await storage.set("live", { value: "new" });
  const transaction: Storage["transaction"] = () => Promise.reject(new Error("the disk is full"));
  const entries = new ExpiringEntries({ ...bound(storage), transaction });
  expect(await entries.getMany(["expired", "live"])).toEqual([undefined, "new"]);
  const listed: unknown[] = [];
  for await (const entry of entries.list()) listed.push(entry);
  expect(listed).toEqual([["live", "new"]]);
});

/** The methods of `storage`, some of which a test replaces. */
function bound(storage: Storage): Storage {
  return {
    guarantees: storage.guarantees,
    get: <Fallback>(key: string, fallback?: Fallback) => storage.get(key, fallback),
    getMany: (keys) => storage.getMany(keys),
    has: (key) => storage.has(key),
    entries: (prefix) => storage.entries(prefix),
    namespaces: () => storage.namespaces(),
    set: (key, value) => storage.set(key, value),
    delete: (key) => storage.delete(key),
    clear: () => storage.clear(),
    transaction: (change, options) => storage.transaction(change, options),
    namespace: (name) => storage.namespace(name),
    lease: (name, options) => storage.lease(name, options),
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}
