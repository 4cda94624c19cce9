import assert from "node:assert/strict";
import { clock, timers } from "../env.js";
import { memoryStorage } from "../memory.js";
import type { Lease, Storage } from "../storage.js";
import type { Behaviour } from "./behaviour.js";
import { keysOf } from "./keys.js";
import { namesIn } from "./namespaces.js";

/** Long enough that no test outlives it. */
const ttlMs = 60_000;

/** Resolves when `lease` has ended; the reason why. */
async function endOf(lease: Lease): Promise<unknown> {
  // A lease does not keep a process running, and there may be nothing else that does.
  const holding = timers.setTimeout(() => {}, ttlMs);
  if (!lease.signal.aborted) {
    await new Promise((resolve) => lease.signal.addEventListener("abort", resolve, { once: true }));
  }
  timers.clearTimeout(holding);
  return lease.signal.reason;
}

/** Adds 1 to "count" under the lease of that name, as one who is alone may do it. */
async function increment(storage: Storage): Promise<void> {
  await using lease = await storage.lease("count", { ttlMs, waitMs: Number.POSITIVE_INFINITY });
  const count = Number(await storage.get("count", 0));
  await storage.transaction((transaction) => transaction.set("count", count + 1), { lease });
}

/** Lets the time of a lease pass while nobody can renew it, as a process does that computes, or was put to sleep. */
function beAway(lostTtlMs: number): void {
  const end = clock.monotonicMs() + 2 * lostTtlMs;
  while (clock.monotonicMs() < end);
}

export const leaseBehaviours: readonly Behaviour[] = [
  {
    behaviour: "gives a lease to one at a time, and to the next one when it is released",
    async check(fixture) {
      await using storage = await fixture.open();
      const lease = await storage.lease("a", { ttlMs });
      assert.equal(lease.name, "a");
      assert.equal(lease.signal.aborted, false);
      await assert.rejects(storage.lease("a", { ttlMs }), { name: "StorageError", code: "lease-held", message: /"a"/ });
      await lease.release();
      await lease.release();
      await using next = await storage.lease("a", { ttlMs });
      assert.ok(next.token > lease.token);
      assert.equal(next.signal.aborted, false);
    },
  },
  {
    behaviour: "keeps leases apart by name and namespace, and shows them nowhere",
    async check(fixture) {
      await using storage = await fixture.open();
      await using first = await storage.lease("a", { ttlMs });
      await using second = await storage.lease("b/=%", { ttlMs });
      await using third = await storage.namespace("a").lease("a", { ttlMs });
      await using fourth = await storage.namespace("n").namespace("").lease("a", { ttlMs });
      for (const lease of [first, second, third, fourth]) assert.equal(lease.signal.aborted, false);
      assert.deepEqual(await keysOf(storage), []);
      assert.deepEqual(await namesIn(storage), []);
      await storage.namespace("a").set("key", 1);
      await storage.namespace("a").clear();
      await assert.rejects(storage.namespace("a").lease("a", { ttlMs }), { code: "lease-held" });
    },
  },
  {
    behaviour: "waits for a lease, as long as it is asked to",
    async check(fixture) {
      await using storage = await fixture.open();
      const lease = await storage.lease("a", { ttlMs });
      await assert.rejects(storage.lease("a", { ttlMs, waitMs: 20 }), { code: "lease-held" });
      const waiting = storage.lease("a", { ttlMs, waitMs: Number.POSITIVE_INFINITY });
      await lease.release();
      await using next = await waiting;
      assert.ok(next.token > lease.token);
      const giveUp = new AbortController();
      const more = storage.lease("a", { ttlMs, waitMs: Number.POSITIVE_INFINITY, signal: giveUp.signal });
      const reason = new Error("not needed any more");
      giveUp.abort(reason);
      await assert.rejects(more, reason);
    },
  },
  {
    behaviour: "gives a lease that its holder did not renew in time to the next one",
    async check(fixture) {
      await using storage = await fixture.open();
      const lost = await storage.lease("a", { ttlMs: 30 });
      beAway(30);
      await using next = await storage.lease("a", { ttlMs });
      assert.ok(next.token > lost.token);
      const reason = await endOf(lost);
      assert.ok(reason instanceof Error && "code" in reason && reason.code === "lease-lost");
    },
  },
  {
    behaviour: "renews a lease for as long as it is held",
    async check(fixture) {
      await using storage = await fixture.open();
      await using lease = await storage.lease("a", { ttlMs: 150 });
      await assert.rejects(storage.lease("a", { ttlMs, waitMs: 300 }), { code: "lease-held" });
      assert.equal(lease.signal.aborted, false);
    },
  },
  {
    behaviour: "commits under a lease that is held, and not under one that was released, whose holder is told",
    async check(fixture) {
      await using storage = await fixture.open();
      const lease = await storage.lease("a", { ttlMs });
      await storage.transaction((transaction) => transaction.set("key", 1), { lease });
      await lease.release();
      let hasRun = false;
      const attempt = storage.transaction(
        (transaction) => {
          hasRun = true;
          transaction.set("key", 2);
        },
        { lease },
      );
      await assert.rejects(attempt, { name: "StorageError", code: "lease-lost", message: /released/ });
      assert.equal(hasRun, false);
      assert.equal(await storage.get("key"), 1);
    },
  },
  {
    behaviour: "refuses the commit of a holder that does not know yet that somebody else has its lease",
    async check(fixture) {
      await using storage = await fixture.open();
      const lease = await storage.lease("a", { ttlMs: 30 });
      let runs = 0;
      const stale = storage.transaction(
        async (transaction) => {
          runs++;
          transaction.set("key", "of the stale one");
          beAway(30);
          await Promise.resolve();
          const next = await storage.lease("a", { ttlMs });
          await storage.transaction((other) => other.set("key", "of the next one"), { lease: next });
        },
        { lease },
      );
      await assert.rejects(stale, { name: "StorageError", code: "lease-lost" });
      assert.equal(runs, 1);
      assert.equal(await storage.get("key"), "of the next one");
      assert.equal(lease.signal.aborted, true);
    },
  },
  {
    behaviour: "counts right under a lease, however many want it",
    async check(fixture) {
      await using storage = await fixture.open();
      await Promise.all(Array.from({ length: 5 }, () => increment(storage)));
      assert.equal(await storage.get("count"), 5);
    },
  },
  {
    behaviour: "releases its leases when it is closed, and tells their holders",
    async check(fixture) {
      const storage = await fixture.open();
      const lease = await storage.lease("a", { ttlMs });
      await storage.close();
      const reason = await endOf(lease);
      assert.ok(reason instanceof Error && "code" in reason && reason.code === "closed");
      if (!fixture.isDurable) return;
      await using after = await fixture.open();
      await using next = await after.lease("a", { ttlMs });
      assert.ok(next.token > lease.token);
    },
  },
  {
    behaviour: "refuses a lease of another storage, and times that are none",
    async check(fixture) {
      await using storage = await fixture.open();
      for (const options of [{ ttlMs: 0 }, { ttlMs: Number.NaN }, { ttlMs: 2 ** 31 }, { waitMs: -1 }]) {
        await assert.rejects(storage.lease("a", options), { name: "TypeError", message: /Ms is / });
      }
      await using other = memoryStorage();
      await using lease = await other.lease("a", { ttlMs });
      const attempt = storage.transaction(() => 1, { lease });
      await assert.rejects(attempt, { name: "TypeError", message: /none of this storage/ });
    },
  },
];
