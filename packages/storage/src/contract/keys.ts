import assert from "node:assert/strict";
import type { StorageReader } from "../storage.js";
import type { Behaviour } from "./behaviour.js";

/** Keys that some backend, pattern or encoding could take for something else, in the order of their code points. */
const oddKeys = [
  "",
  "\0",
  "\0a",
  " ",
  "%",
  "%25",
  "*",
  "/",
  "/=",
  ":",
  "=",
  "==",
  "?",
  "A",
  "AA",
  "[a]",
  "\\",
  "__proto__",
  "_",
  "a",
  "a\0",
  "a%",
  "a/",
  "a/=b",
  "a:b",
  "aa",
  "constructor",
  "{a}",
  "é",
  "\u{ff5e}",
  "\u{ffff}",
  "\u{10000}",
  "😀",
  "\u{10ffff}",
].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** The keys that `reader` lists. */
export async function keysOf(reader: StorageReader, prefix?: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of reader.entries(prefix)) keys.push(key);
  return keys;
}

export const keyBehaviours: readonly Behaviour[] = [
  {
    behaviour: "gives back what was set, and nothing for other keys",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", 1);
      await storage.set("a", 2);
      assert.equal(await storage.get("a"), 2);
      assert.equal(await storage.get("b"), undefined);
      assert.equal(await storage.has("a"), true);
      assert.equal(await storage.has("b"), false);
    },
  },
  {
    behaviour: "answers with the fallback only where there is no value",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("null", null);
      assert.equal(await storage.get("null", 7), null);
      assert.equal(await storage.get("nothing", 7), 7);
      assert.equal(await storage.has("null"), true);
    },
  },
  {
    behaviour: "reads many keys in the order in which they were asked for",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", 1);
      await storage.set("b", 2);
      assert.deepEqual(await storage.getMany(["b", "c", "a", "b"]), [2, undefined, 1, 2]);
      assert.deepEqual(await storage.getMany([]), []);
    },
  },
  {
    behaviour: "tells whether there was something to delete",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", null);
      assert.equal(await storage.delete("a"), true);
      assert.equal(await storage.delete("a"), false);
      assert.equal(await storage.get("a"), undefined);
      assert.deepEqual(await keysOf(storage), []);
    },
  },
  {
    behaviour: "tells only one of two deletions at once that there was something",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", 1);
      const deleted = await Promise.all([storage.delete("a"), storage.delete("a")]);
      assert.deepEqual(deleted.toSorted(), [false, true]);
    },
  },
  {
    behaviour: "removes everything when it is cleared, and can be used again",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", 1);
      await storage.namespace("inner").set("b", 2);
      await storage.clear();
      assert.deepEqual(await keysOf(storage), []);
      assert.deepEqual(await keysOf(storage.namespace("inner")), []);
      await storage.set("a", 3);
      assert.equal(await storage.get("a"), 3);
    },
  },
  {
    behaviour: "keeps any text apart from any other as a key, and lists them in the order of their code points",
    async check(fixture) {
      await using storage = await fixture.open();
      await Promise.all(oddKeys.toReversed().map((key) => storage.set(key, { key })));
      for (const key of oddKeys) assert.deepEqual(await storage.get(key), { key });
      assert.deepEqual(await keysOf(storage), oddKeys);
    },
  },
  {
    behaviour: "lists the keys that start with a prefix, taken literally",
    async check(fixture) {
      await using storage = await fixture.open();
      await Promise.all(oddKeys.map((key) => storage.set(key, 1)));
      for (const prefix of oddKeys) {
        assert.deepEqual(
          await keysOf(storage, prefix),
          oddKeys.filter((key) => key.startsWith(prefix)),
        );
      }
      assert.deepEqual(await keysOf(storage, "nobody"), []);
    },
  },
  {
    behaviour: "lists more entries than fit in one answer of the backend, each once and with its value",
    async check(fixture) {
      await using storage = await fixture.open();
      const keys = Array.from({ length: 350 }, (_, index) => `key ${String(index).padStart(3, "0")}`);
      await storage.transaction((transaction) => {
        for (const key of keys) transaction.set(key, `value of ${key}`);
      });
      const entries: unknown[] = [];
      for await (const entry of storage.entries("key ")) entries.push(entry);
      assert.deepEqual(
        entries,
        keys.map((key) => [key, `value of ${key}`]),
      );
    },
  },
  {
    behaviour: "goes on listing when what it has listed is deleted meanwhile",
    async check(fixture) {
      await using storage = await fixture.open();
      const keys = Array.from({ length: 120 }, (_, index) => String(index).padStart(3, "0"));
      await storage.transaction((transaction) => {
        for (const key of keys) transaction.set(key, 1);
      });
      const listed: string[] = [];
      for await (const [key] of storage.entries()) {
        listed.push(key);
        await storage.delete(key);
      }
      assert.deepEqual(listed, keys);
      assert.deepEqual(await keysOf(storage), []);
    },
  },
  {
    behaviour: "refuses a key that is no text, and names it",
    async check(fixture) {
      await using storage = await fixture.open();
      await assert.rejects(storage.set("half \ud83d", 1), { name: "TypeError", message: /half \\ud83d/ });
      await assert.rejects(storage.get("half \ude00"), { name: "TypeError", message: /half \\ude00/ });
      // @ts-expect-error: what a caller without types may do
      await assert.rejects(storage.get(17), { name: "TypeError", message: /17/ });
      // @ts-expect-error: what a caller without types may do
      await assert.rejects(storage.set(undefined, 1), { name: "TypeError", message: /undefined/ });
      assert.deepEqual(await keysOf(storage), []);
    },
  },
  {
    behaviour: "takes a long key, and refuses one that is too long",
    async check(fixture) {
      await using storage = await fixture.open();
      const long = "é".repeat(8000);
      await storage.set(long, 1);
      assert.equal(await storage.get(long), 1);
      assert.deepEqual(await keysOf(storage), [long]);
      const tooLong = { name: "RangeError", message: /at most 8192/ };
      await assert.rejects(storage.set(long + "a".repeat(200), 2), tooLong);
      assert.throws(() => storage.namespace(long + "a".repeat(200)), tooLong);
      assert.deepEqual(await keysOf(storage), [long]);
    },
  },
];
