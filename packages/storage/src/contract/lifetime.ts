import assert from "node:assert/strict";
import type { Behaviour } from "./behaviour.js";
import { keysOf } from "./keys.js";

export const lifetimeBehaviours: readonly Behaviour[] = [
  {
    behaviour: "is empty at first",
    async check(fixture) {
      await using storage = await fixture.open();
      assert.deepEqual(await keysOf(storage), []);
      assert.equal(await storage.get("a"), undefined);
      assert.equal(await storage.delete("a"), false);
      await storage.clear();
    },
  },
  {
    behaviour: "keeps everything when it is closed and opened again",
    async check(fixture) {
      if (!fixture.isDurable) return;
      const before = await fixture.open();
      await before.set("a", { bytes: Uint8Array.of(1, 2) });
      await before.set("deleted", 1);
      await before.delete("deleted");
      await before.namespace("n").set("b", 2);
      await before.close();
      await using after = await fixture.open();
      assert.deepEqual(await after.get("a"), { bytes: Uint8Array.of(1, 2) });
      assert.equal(await after.namespace("n").get("b"), 2);
      assert.deepEqual(await keysOf(after), ["a"]);
    },
  },
  {
    behaviour: "finishes the writes that were started before it closes",
    async check(fixture) {
      if (!fixture.isDurable) return;
      const before = await fixture.open();
      await before.set("deleted", 1);
      const writes = [before.set("a", 1), before.delete("deleted"), before.set("b", 2)];
      await before.close();
      await Promise.all(writes);
      await using after = await fixture.open();
      assert.deepEqual(await keysOf(after), ["a", "b"]);
    },
  },
  {
    behaviour: "rejects every call after it was closed, in its namespaces too, and closes once",
    async check(fixture) {
      const storage = await fixture.open();
      const namespace = storage.namespace("n");
      const closings = [storage.close(), namespace.close(), storage[Symbol.asyncDispose]()];
      await Promise.all(closings);
      await storage.close();
      const closed = { name: "StorageError", message: /closed/ };
      for (const each of [storage, namespace]) {
        await assert.rejects(each.get("a"), closed);
        await assert.rejects(each.getMany(["a"]), closed);
        await assert.rejects(each.has("a"), closed);
        await assert.rejects(keysOf(each), closed);
        await assert.rejects(each.set("a", 1), closed);
        await assert.rejects(each.delete("a"), closed);
        await assert.rejects(each.clear(), closed);
        await assert.rejects(
          each.transaction((transaction) => transaction.set("a", 1)),
          closed,
        );
        await assert.rejects(
          each.transaction(() => "nothing"),
          closed,
        );
        let hasRun = false;
        await each.transaction(() => (hasRun = true)).catch(() => undefined);
        assert.equal(hasRun, false);
      }
    },
  },
  {
    behaviour: "can be closed inside a transaction, which then writes nothing",
    async check(fixture) {
      const storage = await fixture.open();
      const attempt = storage.transaction(async (transaction) => {
        transaction.set("a", 1);
        await storage.close();
      });
      await assert.rejects(attempt, { name: "StorageError", message: /closed/ });
      if (!fixture.isDurable) return;
      await using after = await fixture.open();
      assert.equal(await after.has("a"), false);
    },
  },
  {
    behaviour: "refuses to commit after it was closed, though there is nothing to commit",
    async check(fixture) {
      const storage = await fixture.open();
      const attempt = storage.transaction(async (transaction) => {
        await transaction.get("a");
        await storage.close();
      });
      await assert.rejects(attempt, { name: "StorageError", message: /closed/ });
    },
  },
  {
    behaviour: "shows what another storage on the same store has written, and loses nothing of either",
    async check(fixture) {
      if (!fixture.isShared) return;
      await using one = await fixture.open();
      await using other = await fixture.open();
      await one.set("a", 1);
      assert.equal(await other.get("a"), 1);
      await other.delete("a");
      assert.deepEqual(await keysOf(one), []);
      const increments = [one, other].flatMap((storage) =>
        Array.from({ length: 20 }, () =>
          storage.transaction(async (transaction) => {
            transaction.set("count", Number(await transaction.get("count", 0)) + 1);
          }),
        ),
      );
      await Promise.all(increments);
      // What is in memory may be older, by the time in which one hears of the other.
      for (const storage of [one, other]) {
        assert.equal(await storage.transaction((transaction) => transaction.get("count")), 40);
      }
    },
  },
];
