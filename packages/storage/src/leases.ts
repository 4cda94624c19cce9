/*
 * A lease is two entries of the store, in a namespace that it keeps for itself:
 *
 * 1. The holder: who holds the lease, under a name that nobody else chooses, with a token that grows, and for how long
 *    at a time. It changes when the lease changes hands, and only then; so a commit that expects it is made only while
 *    its holder is the last one.
 * 2. The end: until when the lease is held, by the clock of the store. The holder moves it on; a release sets it to 0.
 *
 * Both are written by commits that expect what was read, so of two that want the lease one gets it, on any engine.
 * Nothing depends on a clock but when somebody else may take the lease; whoever lost it too early cannot write.
 * Clocks are set back: so a lease is also free for who has seen both stay the same for the time of its holder.
 */
import type { Commit } from "./engine.js";
import { chance, clock, timers } from "./env.js";
import { fullKey } from "./full-key.js";
import { sleep } from "./sleep.js";
import { StorageError } from "./storage-error.js";
import type { Lease, LeaseOptions } from "./storage.js";
import type { Store } from "./store.js";

/** Neither the name of a namespace nor a part of one is ever written like this. */
const holderPrefix = "%lease/";
const endPrefix = "%lease-end/";

/** A lease is renewed that many times before it ends. */
const renewals = 3;

/** The first wait for a lease that is held; each further one is longer, up to a tenth of its time. */
const firstWaitMs = 10;
const maxWaitMs = 1000;

/** As long as a timer can wait. */
const maxTtlMs = 2 ** 31 - 1;

interface Entries {
  readonly holderKey: string;
  readonly endKey: string;
}

/** The leases of one store that this process holds. */
export class Leases {
  readonly #store: Store;
  readonly #held = new Set<HeldLease>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Takes the lease `name` of the namespace at `prefix`. */
  async take(prefix: string, name: string, options: LeaseOptions): Promise<Lease> {
    const { ttlMs = 30_000, waitMs = 0, signal } = options;
    requireMs("ttlMs", ttlMs, 1, maxTtlMs);
    requireMs("waitMs", waitMs, 0, Number.POSITIVE_INFINITY);
    const key = fullKey(prefix, name);
    const entries = { holderKey: `${holderPrefix}${key}`, endKey: `${endPrefix}${key}` };
    const giveUpAt = clock.monotonicMs() + waitMs;
    const watch = new Watch(name);
    for (let pauseMs = firstWaitMs; ; pauseMs = Math.min(2 * pauseMs, ttlMs / 10, maxWaitMs)) {
      signal?.throwIfAborted();
      const lease = await this.#attempt(name, entries, ttlMs, watch);
      if (lease !== undefined) return lease;
      const leftMs = giveUpAt - clock.monotonicMs();
      if (leftMs <= 0) throw new StorageError(`Cannot take the lease "${name}": ${held}`, { code: "lease-held" });
      // Not all who wait at the same moment.
      await sleep(Math.min((0.5 + chance.number() / 2) * pauseMs, leftMs), signal);
    }
  }

  /** What a commit that is made under `lease` expects. Throws when the lease is not held any more. */
  expectation(lease: Lease): [key: string, value: string] {
    if (!(lease instanceof HeldLease) || !lease.isOf(this.#store)) {
      throw new TypeError("Cannot begin a transaction: its lease is none of this storage");
    }
    lease.signal.throwIfAborted();
    return lease.expectation;
  }

  /** Throws when somebody else has had `lease` meanwhile: a commit that it was given to was not made. */
  async requireHeld(lease: Lease): Promise<void> {
    const [key, expected] = this.expectation(lease);
    const [found] = await this.#store.readStored([key]);
    if (found !== expected && lease instanceof HeldLease) lease.lose(takenOver);
    lease.signal.throwIfAborted();
  }

  /** Releases all, past the calls that reject because the storage is closing. */
  async releaseAll(commit: (commits: readonly Commit[]) => Promise<unknown>): Promise<void> {
    const releases = [...this.#held].map((lease) => lease.stop(closed(lease.name)));
    // If that fails, they end by themselves.
    if (releases.length > 0) await commit(releases).catch(() => undefined);
  }

  /** One attempt; `undefined` when somebody else holds the lease. */
  async #attempt(name: string, entries: Entries, ttlMs: number, watch: Watch): Promise<Lease | undefined> {
    const { holderKey, endKey } = entries;
    const startedAt = clock.monotonicMs();
    const now = await this.#store.now();
    const [holder, end] = await this.#store.readStored([holderKey, endKey]);
    const isOver = watch.isOver(holder, end);
    if (end !== undefined && now < Number(end) && !isOver) return undefined;
    // Greater than the last one also where somebody has cleared the whole store.
    const token = Math.max(readHolder(name, holder).token + 1, Math.floor(now));
    const own = JSON.stringify({ holder: chance.name(), token, ttlMs });
    const isTaken = await this.#store.commit({
      expected: new Map([
        [holderKey, holder],
        [endKey, end],
      ]),
      cleared: [],
      written: new Map([
        [holderKey, own],
        [endKey, String(now + ttlMs)],
      ]),
    });
    if (!isTaken) return undefined;
    // What the one before has written is to be seen from now on.
    this.#store.forgetAll();
    const lease = new HeldLease(this.#store, this.#held, { name, token, ttlMs, own, startedAt, ...entries });
    this.#held.add(lease);
    return lease;
  }
}

/** Finds out by the clock of this process, which nobody sets, that the holder of a lease does not renew it any more. */
class Watch {
  readonly #name: string;
  #seen: readonly (string | undefined)[] = [];
  #since = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** Whether these were the entries each time since the time of the holder began. */
  isOver(holder: string | undefined, end: string | undefined): boolean {
    const now = clock.monotonicMs();
    if (holder !== this.#seen[0] || end !== this.#seen[1]) {
      this.#seen = [holder, end];
      this.#since = now;
    }
    return now - this.#since >= readHolder(this.#name, holder).ttlMs;
  }
}

interface Held extends Entries {
  readonly name: string;
  readonly token: number;
  readonly ttlMs: number;
  /** What the entry of the holder says while it is this one. */
  readonly own: string;
  readonly startedAt: number;
}

class HeldLease implements Lease {
  readonly name: string;
  readonly token: number;
  readonly #store: Store;
  readonly #all: Set<HeldLease>;
  readonly #held: Held;
  readonly #ending = new AbortController();
  /** When others may take it, by the clock of this process: not before that. */
  #endsAt: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, all: Set<HeldLease>, held: Held) {
    this.name = held.name;
    this.token = held.token;
    this.#store = store;
    this.#all = all;
    this.#held = held;
    this.#endsAt = held.startedAt + held.ttlMs;
    this.#renewAfter(held.ttlMs / renewals);
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  get expectation(): [key: string, value: string] {
    return [this.#held.holderKey, this.#held.own];
  }

  isOf(store: Store): boolean {
    return store === this.#store;
  }

  async release(): Promise<void> {
    if (this.signal.aborted) return;
    const problem = `Cannot go on under the lease "${this.name}": it was released`;
    const release = this.stop(new StorageError(problem, { code: "lease-lost" }));
    // If that fails, it ends by itself.
    await this.#store.commit(release).catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  lose(problem: string, cause?: unknown): void {
    const message = `Cannot go on under the lease "${this.name}": ${problem}; take it again, and see what was done meanwhile`;
    this.stop(new StorageError(message, { code: "lease-lost", cause }));
  }

  /** Stops to renew it, and whoever works under it; returns the commit that lets others have it at once. */
  stop(reason: StorageError): Commit {
    this.#all.delete(this);
    if (this.#timer !== undefined) timers.clearTimeout(this.#timer);
    this.#ending.abort(reason);
    return this.#endAt(0);
  }

  #renewAfter(delayMs: number, failure?: unknown): void {
    const leftMs = Math.max(0, this.#endsAt - clock.monotonicMs());
    const isLast = leftMs <= delayMs;
    const next = isLast ? () => this.lose("it could not be renewed in time", failure) : () => void this.#renew();
    this.#timer = timers.setTimeout(next, Math.min(delayMs, leftMs));
    timers.unref(this.#timer);
  }

  async #renew(): Promise<void> {
    const { ttlMs } = this.#held;
    // The one that follows if this one takes too long.
    this.#renewAfter(Number.POSITIVE_INFINITY);
    const startedAt = clock.monotonicMs();
    if (startedAt >= this.#endsAt) return;
    try {
      const now = await this.#store.now();
      // After a release this would take the lease again.
      if (this.signal.aborted) return;
      const isHeld = await this.#store.commit(this.#endAt(now + ttlMs));
      if (this.signal.aborted) return;
      if (!isHeld) return this.lose(takenOver);
      this.#endsAt = startedAt + ttlMs;
      this.#restart(ttlMs / renewals);
    } catch (failure) {
      if (!this.signal.aborted) this.#restart(ttlMs / renewals / 3, failure);
    }
  }

  #restart(delayMs: number, failure?: unknown): void {
    if (this.#timer !== undefined) timers.clearTimeout(this.#timer);
    this.#renewAfter(delayMs, failure);
  }

  #endAt(end: number): Commit {
    const { holderKey, endKey, own } = this.#held;
    return { expected: new Map([[holderKey, own]]), cleared: [], written: new Map([[endKey, String(end)]]) };
  }
}

const takenOver = "somebody else has taken it over, or the storage was cleared";

const held = "it is held already, here or elsewhere; wait for it with waitMs, or do without";

function closed(name: string): StorageError {
  return new StorageError(`Cannot go on under the lease "${name}": the storage was closed`, { code: "closed" });
}

/** A holder of an earlier version does not say its time: then only the clock of the store counts. */
function readHolder(name: string, holder: string | undefined): { token: number; ttlMs: number } {
  if (holder === undefined) return { token: 0, ttlMs: Number.POSITIVE_INFINITY };
  const { token, ttlMs }: { token?: unknown; ttlMs?: unknown } = JSON.parse(holder);
  if (typeof token === "number") return { token, ttlMs: typeof ttlMs === "number" ? ttlMs : Number.POSITIVE_INFINITY };
  throw new StorageError(`Cannot take the lease "${name}": what is stored there is none`, { code: "damaged" });
}

function requireMs(option: string, value: unknown, least: number, most: number): void {
  if (typeof value === "number" && value >= least && value <= most) return;
  throw new TypeError(
    `Cannot take a lease: ${option} is ${String(value)}; give milliseconds, at least ${least} and at most ${most}`,
  );
}
