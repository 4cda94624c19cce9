import assert from "node:assert/strict";
import type { StorageReader } from "../storage.js";
import type { Behaviour } from "./behaviour.js";
import { keysOf } from "./keys.js";

/** Names that have been taken for one another, or for a pattern, by one store or another. */
const oddNames = [
  "",
  "a",
  "A",
  "a/",
  "a/b",
  "/",
  "a=",
  "=",
  "a%",
  "%",
  "%2F",
  "a%2f",
  "a_b",
  "aXb",
  "a*",
  "a[bc]",
  "ab",
  "a?",
  "a\\",
  "a:",
  "a:b",
  "a::b",
  "\0",
  "__proto__",
  "keyv:a",
  "@alice:example.org",
  "@Alice:example.org",
  "😀",
  "\u{feff}",
];

/** The names of the namespaces in `reader`. */
export async function namesIn(reader: StorageReader): Promise<string[]> {
  const names: string[] = [];
  for await (const name of reader.namespaces()) names.push(name);
  return names;
}

export const namespaceBehaviours: readonly Behaviour[] = [
  {
    behaviour: "keeps namespaces apart, whatever their names",
    async check(fixture) {
      await using storage = await fixture.open();
      for (const name of oddNames) await storage.namespace(name).set("key", name);
      await storage.set("key", "outside");
      for (const name of oddNames) {
        assert.equal(await storage.namespace(name).get("key"), name);
        assert.deepEqual(await keysOf(storage.namespace(name)), ["key"]);
      }
      assert.deepEqual(await keysOf(storage), ["key"]);
    },
  },
  {
    behaviour: "clears a namespace and those inside it, and nothing beside or above it",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("key", "outside");
      for (const name of oddNames) {
        await storage.namespace(name).set("key", name);
        await storage.namespace(name).namespace("inner").set("key", name);
      }
      for (const [index, name] of oddNames.entries()) {
        await storage.namespace(name).clear();
        for (const [other, otherName] of oddNames.entries()) {
          const expected = other <= index ? undefined : otherName;
          assert.equal(await storage.namespace(otherName).get("key"), expected, `"${otherName}" after "${name}"`);
        }
        assert.equal(await storage.namespace(name).namespace("inner").get("key"), undefined);
      }
      assert.equal(await storage.get("key"), "outside");
    },
  },
  {
    behaviour: "keeps a key that looks like the path of another namespace out of it",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.namespace("a").namespace("b").set("k", 1);
      for (const key of ["a/b/=k", "a/b/k", "b/=k", "/k", "=k"]) {
        await storage.set(key, 2);
        await storage.namespace("a").set(key, 3);
      }
      assert.deepEqual(await keysOf(storage.namespace("a").namespace("b")), ["k"]);
      assert.equal(await storage.namespace("a").namespace("b").get("k"), 1);
      assert.equal(await storage.namespace("a/b").get("k"), undefined);
    },
  },
  {
    behaviour: "gives the same namespace each time that it is asked for",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.namespace("a").set("key", 1);
      assert.equal(await storage.namespace("a").get("key"), 1);
      assert.equal(await storage.namespace("a").delete("key"), true);
      assert.equal(await storage.namespace("a").has("key"), false);
    },
  },
  {
    behaviour: "refuses a name that is no text, and names it",
    async check(fixture) {
      await using storage = await fixture.open();
      assert.throws(() => storage.namespace("half \ud83d"), { name: "TypeError", message: /half \\ud83d/ });
      // @ts-expect-error: what a caller without types may do
      assert.throws(() => storage.namespace(17), { name: "TypeError", message: /17/ });
    },
  },
  {
    behaviour: "lists the namespaces that hold something, each once, in a transaction too",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.transaction((transaction) => {
        transaction.set("outside", 1);
        for (const name of oddNames) {
          for (let number = 0; number < 3; number++) transaction.namespace(name).set(`key ${number}`, number);
        }
        transaction.namespace("outer").namespace("inner").set("key", 1);
        transaction.namespace("emptied").set("key", 1);
      });
      await storage.namespace("emptied").delete("key");
      const expected = [...oddNames, "outer"].toSorted();
      assert.deepEqual((await namesIn(storage)).toSorted(), expected);
      assert.deepEqual(await namesIn(storage.namespace("outer")), ["inner"]);
      assert.deepEqual(await namesIn(storage.namespace("nobody")), []);
      await storage.transaction(async (transaction) => {
        transaction.namespace("new").set("key", 1);
        transaction.namespace("outer").clear();
        const own = [...oddNames, "new"].toSorted();
        assert.deepEqual((await namesIn(transaction)).toSorted(), own);
        for await (const [key] of transaction.entries()) {
          assert.equal(key, "outside");
          break;
        }
      });
    },
  },
];
