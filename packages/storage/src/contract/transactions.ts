import assert from "node:assert/strict";
import type { Storage, StorageValue, Transaction } from "../storage.js";
import type { Behaviour } from "./behaviour.js";
import { keysOf } from "./keys.js";

async function increment(storage: Storage): Promise<void> {
  await storage.transaction(async (transaction) => {
    transaction.set("count", Number(await transaction.get("count", 0)) + 1);
  });
}

/** Does `work` as somebody else would, who knows nothing of the transaction that is under way. */
async function meanwhile<Result>(work: () => Promise<Result>): Promise<Result> {
  await Promise.resolve();
  return work();
}

function setBoth(value: number): (transaction: Transaction) => void {
  return (transaction) => {
    transaction.set("a", value);
    transaction.set("b", value);
  };
}

/** Where in a transaction something is done: right away, or after it has awaited each of its reads. */
const beforeUses: readonly ((transaction: Transaction, use: () => Promise<unknown>) => Promise<unknown>)[] = [
  async (_transaction, use) => use(),
  async (transaction, use) => {
    await transaction.get("a");
    await use();
  },
  async (transaction, use) => {
    await transaction.getMany(["a", "b"]);
    await use();
  },
  async (transaction, use) => {
    await transaction.has("a");
    await use();
  },
  async (transaction, use) => {
    for await (const [key] of transaction.entries()) if (key !== "") await use();
  },
  async (transaction, use) => {
    for await (const key of transaction.namespaces()) assert.equal(key, "nobody");
    await use();
  },
];

export const transactionBehaviours: readonly Behaviour[] = [
  {
    behaviour: "commits all that a transaction writes, and passes on what it returns",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("old", 1);
      const result = await storage.transaction((transaction) => {
        transaction.set("a", 1);
        transaction.namespace("inner").set("b", 2);
        transaction.delete("old");
        return "result";
      });
      assert.equal(result, "result");
      assert.deepEqual(await keysOf(storage), ["a"]);
      assert.equal(await storage.namespace("inner").get("b"), 2);
    },
  },
  {
    behaviour: "writes nothing of a transaction that throws, and passes the error on",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", 1);
      const error = new Error("of the change");
      const attempt = storage.transaction(async (transaction) => {
        transaction.set("a", 2);
        transaction.set("b", 2);
        assert.equal(await transaction.get("a"), 2);
        transaction.clear();
        throw error;
      });
      await assert.rejects(attempt, (thrown) => thrown === error);
      assert.deepEqual(await keysOf(storage), ["a"]);
      assert.equal(await storage.get("a"), 1);
    },
  },
  {
    behaviour: "shows a transaction its own writes, and nobody else before it commits",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", 1);
      await storage.set("b", 1);
      await storage.transaction(async (transaction) => {
        transaction.set("a", 2);
        transaction.delete("b");
        transaction.namespace("inner").set("c", 3);
        assert.equal(await transaction.get("a"), 2);
        assert.equal(await transaction.get("b", "none"), "none");
        assert.equal(await transaction.has("b"), false);
        assert.deepEqual(await transaction.getMany(["a", "b", "c"]), [2, undefined, undefined]);
        assert.equal(await transaction.namespace("inner").get("c"), 3);
        assert.deepEqual(await meanwhile(() => storage.getMany(["a", "b"])), [1, 1]);
        assert.equal(await meanwhile(() => storage.namespace("inner").has("c")), false);
      });
      assert.deepEqual(await storage.getMany(["a", "b"]), [2, undefined]);
    },
  },
  {
    behaviour: "lists what is stored and what the transaction wrote in one order",
    async check(fixture) {
      await using storage = await fixture.open();
      await Promise.all(["a1", "a3", "a5", "b1"].map((key) => storage.set(key, "stored")));
      await storage.transaction(async (transaction) => {
        for (const key of ["a0", "a3", "a4", "a\u{10000}", "a\u{ffff}", "b0"]) transaction.set(key, "own");
        transaction.delete("a5");
        const entries: [string, StorageValue][] = [];
        for await (const entry of transaction.entries("a")) entries.push(entry);
        assert.deepEqual(entries, [
          ["a0", "own"],
          ["a1", "stored"],
          ["a3", "own"],
          ["a4", "own"],
          ["a\u{ffff}", "own"],
          ["a\u{10000}", "own"],
        ]);
      });
    },
  },
  {
    behaviour: "clears in a transaction what was stored and what it wrote before, not what it writes after",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.namespace("n").set("stored", 1);
      await storage.set("outside", 1);
      await storage.transaction(async (transaction) => {
        const namespace = transaction.namespace("n");
        namespace.set("before", 1);
        namespace.clear();
        assert.equal(await namespace.get("stored"), undefined);
        assert.equal(await namespace.get("before"), undefined);
        namespace.set("after", 1);
        assert.deepEqual(await keysOf(namespace), ["after"]);
        assert.equal(await transaction.get("outside"), 1);
      });
      assert.deepEqual(await keysOf(storage.namespace("n")), ["after"]);
      assert.equal(await storage.get("outside"), 1);
    },
  },
  {
    behaviour: "runs a transaction again when what it read has changed: 30 increments at once make 30",
    async check(fixture) {
      await using storage = await fixture.open();
      await Promise.all(Array.from({ length: 30 }, () => increment(storage)));
      assert.equal(await storage.get("count"), 30);
    },
  },
  {
    behaviour: "runs a transaction again when something that it did not find has appeared",
    async check(fixture) {
      await using storage = await fixture.open();
      let runs = 0;
      await storage.transaction(async (transaction) => {
        runs++;
        const taken = await transaction.has("name");
        if (runs === 1) await meanwhile(() => storage.set("name", "somebody else's"));
        if (!taken) transaction.set("name", "mine");
      });
      assert.equal(runs, 2);
      assert.equal(await storage.get("name"), "somebody else's");
    },
  },
  {
    behaviour: "never lets a transaction act on two values of different moments",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.transaction(setBoth(1));
      let runs = 0;
      const read = await storage.transaction(async (transaction) => {
        runs++;
        const a = await transaction.get("a");
        if (runs === 1) await meanwhile(() => storage.transaction(setBoth(2)));
        const b = await transaction.get("b");
        if (a !== b) throw new Error("saw two values that were never there together");
        return a;
      });
      assert.equal(read, 2);
    },
  },
  {
    behaviour: "lets a transaction read a key twice and see the same",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", 1);
      let runs = 0;
      await storage.transaction(async (transaction) => {
        runs++;
        const before = await transaction.get("a");
        if (runs === 1) await meanwhile(() => storage.set("a", 2));
        assert.equal(await transaction.get("a"), before);
      });
    },
  },
  {
    behaviour: "runs a transaction again when something that it has listed has changed",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", 1);
      let runs = 0;
      await storage.transaction(async (transaction) => {
        runs++;
        let sum = 0;
        for await (const [, value] of transaction.entries()) sum += Number(value);
        if (runs === 1) await meanwhile(() => storage.set("a", 2));
        transaction.namespace("sums").set("sum", sum);
      });
      assert.equal(runs, 2);
      assert.equal(await storage.namespace("sums").get("sum"), 2);
    },
  },
  {
    behaviour: "computes a transaction from what it has read first, though it lists the same key later",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", 1);
      let runs = 0;
      await storage.transaction(async (transaction) => {
        runs++;
        const before = Number(await transaction.get("a"));
        if (runs === 1) await meanwhile(() => storage.set("a", 10));
        await keysOf(transaction);
        transaction.set("a", before + 1);
      });
      assert.equal(await storage.get("a"), 11);
    },
  },
  {
    behaviour: "computes a transaction from what it has read, though it clears it and reads it again",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", 1);
      let runs = 0;
      await storage.transaction(async (transaction) => {
        runs++;
        const before = Number(await transaction.get("a"));
        if (runs === 1) await meanwhile(() => storage.set("a", 10));
        transaction.clear();
        assert.equal(await transaction.get("a"), undefined);
        transaction.set("b", before);
      });
      assert.equal(await storage.get("b"), 10);
      assert.deepEqual(await keysOf(storage), ["b"]);
    },
  },
  {
    behaviour: "never answers a transaction that only reads with values of different moments",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.transaction(setBoth(1));
      let runs = 0;
      const read = await storage.transaction(async (transaction) => {
        runs++;
        const a = await transaction.get("a");
        if (runs === 1) await meanwhile(() => storage.transaction(setBoth(2)));
        return [a, await transaction.get("b")];
      });
      assert.deepEqual(read, [2, 2]);
    },
  },
  {
    behaviour: "never answers a transaction that only reads with a value and a list of different moments",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", 1);
      let runs = 0;
      const read = await storage.transaction(async (transaction) => {
        runs++;
        const isThere = await transaction.has("a");
        if (runs === 1) await meanwhile(() => storage.delete("a"));
        return [isThere, (await keysOf(transaction)).includes("a")];
      });
      assert.deepEqual(read, [false, false]);
    },
  },
  {
    behaviour: "refuses its own use inside a transaction, before and after anything that is awaited of the transaction",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("a", 1);
      // It is in memory, too.
      await storage.get("a");
      const uses: ((inner: Storage) => Promise<unknown>)[] = [
        (inner) => inner.get("a"),
        (inner) => inner.getMany(["a"]),
        (inner) => inner.has("a"),
        (inner) => keysOf(inner),
        (inner) => inner.set("b", 2),
        (inner) => inner.delete("a"),
        (inner) => inner.clear(),
        (inner) => inner.transaction(() => undefined),
        (inner) => inner.lease("l"),
        (inner) => inner.namespace("n").set("b", 2),
      ];
      for (const use of uses) {
        for (const before of beforeUses) {
          const attempt = storage.transaction(async (transaction) => {
            transaction.set("c", 3);
            await before(transaction, () => use(storage));
          });
          await assert.rejects(attempt, { name: "StorageError", code: "misuse", message: /inside a transaction/ });
        }
      }
      assert.deepEqual(await keysOf(storage), ["a"]);
      assert.equal(await storage.get("a"), 1);
    },
  },
  {
    behaviour: "refuses nobody else while a transaction is under way",
    async check(fixture) {
      await using storage = await fixture.open();
      const done = new AbortController();
      const others = async (): Promise<void> => {
        for (let number = 0; !done.signal.aborted; number++) {
          await storage.set("b", number);
          await storage.get("b");
          await Promise.resolve();
        }
      };
      const working = others();
      await storage.transaction(async (transaction) => {
        for (let number = 0; number < 20; number++) {
          await transaction.get("a");
          await Promise.resolve();
          transaction.set(`c${number}`, number);
        }
      });
      done.abort();
      await working;
    },
  },
  {
    behaviour: "never hangs when it is used inside a transaction that has awaited something else",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.transaction(async (transaction) => {
        transaction.set("a", 1);
        await meanwhile(() => storage.set("b", 2));
        await meanwhile(() => storage.transaction((inner) => inner.set("c", 3)));
        assert.deepEqual(await meanwhile(() => keysOf(storage)), ["b", "c"]);
      });
      assert.deepEqual(await keysOf(storage), ["a", "b", "c"]);
    },
  },
  {
    behaviour: "refuses the use of a transaction that has ended",
    async check(fixture) {
      await using storage = await fixture.open();
      const kept = await storage.transaction((transaction) => [transaction]);
      const [transaction] = kept;
      assert.ok(transaction !== undefined);
      assert.throws(() => transaction.set("a", 1), { name: "StorageError", message: /has ended/ });
      await assert.rejects(transaction.get("a"), { name: "StorageError", message: /has ended/ });
      assert.equal(await storage.has("a"), false);
    },
  },
  {
    behaviour: "refuses in a transaction what it refuses elsewhere",
    async check(fixture) {
      await using storage = await fixture.open();
      const attempt = storage.transaction((transaction) => {
        transaction.set("a", 1);
        // @ts-expect-error: what a caller without types may do
        transaction.set("b", { at: /a pattern/ });
      });
      await assert.rejects(attempt, { name: "TypeError", message: /value\.at/ });
      assert.deepEqual(await keysOf(storage), []);
    },
  },
];
