import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createStorage } from "./create-storage.js";
import type { StorageEngine } from "./engine.js";
import { clock } from "./env.js";
import { Table } from "./table.js";

const ttlMs = 30_000;

/** A store whose clock is the test's, and that fails when it is told to. */
function makeEngine(): StorageEngine & { failure: Error | undefined; aheadMs: number } {
  const table = new Table();
  const engine = {
    failure: undefined as Error | undefined,
    /** How far its clock is ahead of that of this process. */
    aheadMs: 0,
    read: async (keys: readonly string[]) => table.read(keys),
    scan: async (prefix: string, after: string, limit: number) => table.scan(prefix, after, limit),
    commit: async (commits: Parameters<StorageEngine["commit"]>[0]) => {
      if (engine.failure !== undefined) throw engine.failure;
      return commits.map((commit) => table.apply(commit));
    },
    close: async () => {},
    now: async () => Date.now() + engine.aheadMs,
  };
  return engine;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a lease", () => {
  test("is renewed for as long as it is held, and not after", async () => {
    const engine = makeEngine();
    const storage = createStorage(engine);
    const lease = await storage.lease("a", { ttlMs });
    await vi.advanceTimersByTimeAsync(10 * ttlMs);
    expect(lease.signal.aborted).toBe(false);
    await expect(createStorage(engine).lease("a")).rejects.toMatchObject({ code: "lease-held" });
    await lease.release();
    expect(vi.getTimerCount()).toBe(0);
    const next = await createStorage(engine).lease("a", { ttlMs });
    await vi.advanceTimersByTimeAsync(ttlMs / 2);
    expect(next.signal.aborted).toBe(false);
  });

  test("is lost when it cannot be renewed in time, before anybody else can have it", async () => {
    const engine = makeEngine();
    const storage = createStorage(engine);
    const lease = await storage.lease("a", { ttlMs });
    engine.failure = new Error("the disk is on fire");
    await vi.advanceTimersByTimeAsync(ttlMs - 1);
    expect(lease.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(lease.signal.reason).toMatchObject({ code: "lease-lost", cause: { cause: engine.failure } });
    engine.failure = undefined;
    await expect(storage.transaction(() => 1, { lease })).rejects.toBe(lease.signal.reason);
  });

  test("is kept when the storage fails for a while", async () => {
    const engine = makeEngine();
    const lease = await createStorage(engine).lease("a", { ttlMs });
    for (let times = 0; times < 5; times++) {
      engine.failure = new Error("busy");
      await vi.advanceTimersByTimeAsync(ttlMs / 2);
      engine.failure = undefined;
      await vi.advanceTimersByTimeAsync(ttlMs / 2);
    }
    expect(lease.signal.aborted).toBe(false);
  });

  test("is lost as soon as a renewal finds that somebody else has it", async () => {
    const engine = makeEngine();
    const storage = createStorage(engine);
    const lease = await storage.lease("a", { ttlMs });
    // By a clock that is wrong.
    engine.aheadMs = ttlMs;
    const next = await createStorage(engine).lease("a", { ttlMs });
    engine.aheadMs = 0;
    await vi.advanceTimersByTimeAsync(ttlMs / 3);
    expect(lease.signal.reason).toMatchObject({
      code: "lease-lost",
      message: expect.stringContaining("taken it over"),
    });
    expect(next.signal.aborted).toBe(false);
    await lease.release();
    await vi.advanceTimersByTimeAsync(ttlMs);
    expect(next.signal.aborted).toBe(false);
  });

  test("is not taken from a holder who renews it at the last moment", async () => {
    const engine = makeEngine();
    const lease = await createStorage(engine).lease("a", { ttlMs });
    const commit = engine.commit.bind(engine);
    let renew = async (): Promise<void> => {};
    engine.aheadMs = ttlMs;
    engine.commit = async (commits) => {
      const last = renew;
      renew = async () => {};
      await last();
      return commit(commits);
    };
    // Between what the other one reads and what it writes.
    renew = async () => {
      engine.aheadMs = 0;
      await vi.advanceTimersByTimeAsync(ttlMs / 3);
    };
    await expect(createStorage(engine).lease("a", { ttlMs })).rejects.toMatchObject({ code: "lease-held" });
    await vi.advanceTimersByTimeAsync(ttlMs);
    expect(lease.signal.aborted).toBe(false);
  });

  const hourMs = 3_600_000;

  test("goes to who waits as long as its holder's time when that was killed, even if the clock was set back since", async () => {
    const engine = makeEngine();
    const killed = { ...engine };
    const lease = await createStorage(killed).lease("a", { ttlMs });
    killed.commit = () => new Promise(() => {});
    engine.aheadMs = -hourMs;
    let next: { token: number } | undefined;
    const waiting = createStorage(engine)
      .lease("a", { ttlMs: 1000, waitMs: Number.POSITIVE_INFINITY })
      .then((taken) => (next = taken));
    await vi.advanceTimersByTimeAsync(ttlMs - 1);
    expect(next).toBeUndefined();
    await vi.advanceTimersByTimeAsync(200);
    await waiting;
    expect(lease.signal.aborted).toBe(true);
    expect(next?.token).toBeGreaterThan(lease.token);
  });

  test("is not taken from a holder who lives when the clock is set back", async () => {
    const engine = makeEngine();
    const lease = await createStorage(engine).lease("a", { ttlMs });
    engine.aheadMs = -hourMs;
    const waiting = createStorage(engine).lease("a", { ttlMs: 1000, waitMs: 5 * ttlMs });
    const refused = expect(waiting).rejects.toMatchObject({ code: "lease-held" });
    await vi.advanceTimersByTimeAsync(5 * ttlMs);
    await refused;
    expect(lease.signal.aborted).toBe(false);
  });

  test("ends by the clock alone when its record does not say how long its holder may be silent", async () => {
    const engine = makeEngine();
    const record = new Map([
      ["%lease/=a", '{"holder":"x","token":5}'],
      ["%lease-end/=a", String(Date.now() + hourMs)],
    ]);
    await engine.commit([{ expected: new Map(), cleared: [], written: record }]);
    const waiting = createStorage(engine).lease("a", { ttlMs, waitMs: hourMs - 1 });
    const refused = expect(waiting).rejects.toMatchObject({ code: "lease-held" });
    await vi.advanceTimersByTimeAsync(hourMs - 1);
    await refused;
    await vi.advanceTimersByTimeAsync(1);
    await expect(createStorage(engine).lease("a", { ttlMs })).resolves.toMatchObject({ name: "a" });
  });

  test("has a token that grows, also when another one has had it for the moment in which it was taken", async () => {
    const engine = makeEngine();
    const storage = createStorage(engine);
    await (await storage.lease("a", { ttlMs })).release();
    const commit = engine.commit.bind(engine);
    let quick: { token: number } | undefined;
    engine.commit = async (commits) => {
      engine.commit = commit;
      const lease = await createStorage(engine).lease("a", { ttlMs });
      quick = lease;
      await lease.release();
      return commit(commits);
    };
    const lease = await storage.lease("a", { ttlMs }).catch(() => storage.lease("a", { ttlMs }));
    expect(lease.token).toBeGreaterThan(quick?.token ?? Number.POSITIVE_INFINITY);
  });

  test("is lost, and not taken again, by a holder who wakes up too late to renew it", async () => {
    const engine = makeEngine();
    const lease = await createStorage(engine).lease("a", { ttlMs });
    const { monotonicMs } = clock;
    vi.spyOn(clock, "monotonicMs").mockImplementation(() => monotonicMs() + ttlMs);
    engine.aheadMs = ttlMs;
    await vi.advanceTimersByTimeAsync(ttlMs / 3 + 1);
    vi.restoreAllMocks();
    expect(lease.signal.reason).toMatchObject({ code: "lease-lost" });
    await expect(createStorage(engine).lease("a", { ttlMs })).resolves.toMatchObject({ name: "a" });
  });

  test("does not take itself again by a renewal that was under way when it was released", async () => {
    const engine = makeEngine();
    const storage = createStorage(engine);
    const lease = await storage.lease("a", { ttlMs });
    let answer = (): void => {};
    const time = new Promise<number>((resolve) => (answer = () => resolve(Date.now())));
    engine.now = () => time;
    await vi.advanceTimersByTimeAsync(ttlMs / 3);
    await lease.release();
    answer();
    await vi.advanceTimersByTimeAsync(0);
    engine.now = async () => Date.now();
    await expect(createStorage(engine).lease("a")).resolves.toMatchObject({ name: "a" });
  });

  test("has a token that grows, also when the whole storage is cleared, or the clock is set back", async () => {
    const engine = makeEngine();
    const storage = createStorage(engine);
    const tokens: number[] = [];
    for (const change of [async () => {}, () => storage.clear(), async () => void (engine.aheadMs = -ttlMs)]) {
      await change();
      await vi.advanceTimersByTimeAsync(1);
      const lease = await storage.lease("a", { ttlMs });
      tokens.push(lease.token);
      await lease.release();
    }
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    expect(new Set(tokens).size).toBe(3);
  });

  test("is refused to a storage whose lease record is no lease's", async () => {
    const engine = makeEngine();
    await engine.commit([{ expected: new Map(), cleared: [], written: new Map([["%lease/=a", '{"token":"x"}']]) }]);
    await expect(createStorage(engine).lease("a")).rejects.toMatchObject({ code: "damaged" });
  });

  test("does not keep a process running", async () => {
    vi.useRealTimers();
    const timersBefore = process.getActiveResourcesInfo().filter((name) => name === "Timeout");
    const lease = await createStorage(makeEngine()).lease("a", { ttlMs });
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout")).toEqual(timersBefore);
    await lease.release();
  });
});
