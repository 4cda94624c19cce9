import { Keyv } from "keyv";
import { expect, test } from "vitest";
import { memoryStorage } from "./memory.js";
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
