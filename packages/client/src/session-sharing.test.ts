import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LeaseOptions, memoryStorage, type Storage, type StorageValue } from "@mx/storage";
import { FakeHomeserver } from "@mx/testing";
import { describe, expect, it, vi } from "vitest";
import type { Fetch } from "./fetch.js";
import { LoggedOut } from "./messages.js";
import { heldStorage } from "./testing/held-storage.js";
import { describeOnHomeservers, logIn, openClient, startFake } from "./testing/homeservers.js";
import { canStartRedis, RedisServer } from "./testing/redis-server.mjs";
import { shareSession, type ShareSessionOptions } from "./testing/share-session.mjs";

/** Two seconds show that all is well as a rule; what is rare takes longer. */
const ms = Number(process.env["MX_SHARING_MS"] ?? 2000);
const isLong = ms >= 60_000;
const synapseUrl = process.env["MX_SYNAPSE_URL"];

/** The long form meets faults that others wait three seconds for, as long as a lease lasts. */
const faults = isLong
  ? ["kill", "kill answered", "kill saved", "kill used", "stall asking", "kill"]
  : ["kill", "kill used"];

/** Tokens of half a second are refused before the client would renew them; those of two seconds never are. */
const lifeMs = isLong ? 2000 : 500;

async function expectAllWell(options: Omit<ShareSessionOptions, "seed" | "pauseMs">): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const results = await shareSession({ ...options, seed, pauseMs: isLong ? 20 : 60 });
  expect({ seed, ...results }).toMatchObject({ seed, problems: [] });
}

describe.concurrent("four processes that share a session", () => {
  const name = "stay logged in, and have every request answered, when some are killed";
  const timeout = 2 * ms + 120_000;

  it(`${name}, in SQLite`, { timeout }, async ({ onTestFinished }) => {
    const folder = await mkdtemp(join(tmpdir(), "mx-sharing-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const fake = await FakeHomeserver.start({ accessTokenLifetimeMs: lifeMs });
    onTestFinished(() => fake.close());
    await expectAllWell({ homeserver: fake.url, lifeMs, kind: "sqlite", place: join(folder, "shared.db"), ms, faults });
  });

  it.skipIf(!canStartRedis)(`${name}, in Redis`, { timeout }, async ({ onTestFinished }) => {
    const redis = await RedisServer.start();
    onTestFinished(() => redis.stop());
    const fake = await FakeHomeserver.start({ accessTokenLifetimeMs: lifeMs });
    onTestFinished(() => fake.close());
    await expectAllWell({ homeserver: fake.url, lifeMs, kind: "redis", place: redis.url, ms, faults });
  });

  it.skipIf(!isLong || !synapseUrl)(`${name}, on Synapse`, { timeout }, async ({ onTestFinished }) => {
    const folder = await mkdtemp(join(tmpdir(), "mx-sharing-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const place = join(folder, "shared.db");
    // Its tokens live for a minute, and are renewed after three quarters of it.
    const onSynapse = { homeserver: synapseUrl ?? "", lifeMs: 60_000, ms: 1.5 * ms };
    await expectAllWell({ ...onSynapse, kind: "sqlite", place, faults: ["kill", "kill answered"] });
  });
});

describeOnHomeservers("a session whose tokens are renewed", (homeserver) => {
  /** A storage with a session whose tokens are due, so that the next request renews them. */
  async function storedSession(): Promise<{ storage: Storage; userId: string; refreshToken: string }> {
    const storage = memoryStorage();
    const { client, userId } = await logIn(homeserver, "alice", { storage });
    await client.close();
    const stored = (await storage.namespace("client").get("session")) as { refreshToken: string };
    await storage.namespace("client").set("session", { ...stored, refreshAt: 0 });
    return { storage, userId, refreshToken: stored.refreshToken };
  }

  async function refreshAlone(refreshToken: string): Promise<void> {
    const body = JSON.stringify({ refresh_token: refreshToken });
    const answer = await fetch(`${homeserver.url}/_matrix/client/v3/refresh`, { method: "POST", body });
    expect(answer.status).toBe(200);
  }

  it("goes on when another refresh, which nobody could exclude, has made its tokens worthless before their first use", async () => {
    const { storage, userId, refreshToken } = await storedSession();
    const statuses: number[] = [];
    const trap: Fetch = async (url, init) => {
      if (!url.endsWith("/whoami")) return fetch(url, init);
      if (statuses.length === 0) await refreshAlone(refreshToken);
      const answer = await fetch(url, init);
      statuses.push(answer.status);
      return answer;
    };
    const client = await openClient(homeserver, { storage, env: { fetch: trap } });
    const told = vi.fn();
    client.publisher.subscribe(LoggedOut, told);
    expect(await client.whoami()).toMatchObject({ userId });
    expect(statuses).toEqual([401, 200]);
    expect(await client.isLoggedIn()).toBe(true);
    expect(told).not.toHaveBeenCalled();
  });

  it("is there when the process was killed between the answer with the new ones and their storing", async () => {
    const { storage, userId, refreshToken } = await storedSession();
    const held = heldStorage(storage);
    const doomed = await openClient(homeserver, { storage: held.storage });
    const isHeld = held.hold();
    const asking = doomed.whoami().catch(() => {});
    await isHeld;
    const left = await copyOf(storage);
    expect(await left.namespace("client").get("session")).toMatchObject({ refreshToken });
    expect(await (await openClient(homeserver, { storage: left })).whoami()).toMatchObject({ userId });
    held.release();
    await doomed.close();
    await asking;
  });

  it("is there when the process was killed between the storing of the new ones and their first use", async () => {
    const { storage, userId, refreshToken } = await storedSession();
    let reachUse = (): void => {};
    const isAtUse = new Promise<void>((resolve) => (reachUse = resolve));
    const neverUsed: Fetch = (url, init) => {
      if (!url.endsWith("/whoami")) return fetch(url, init);
      reachUse();
      return new Promise((_, reject) => {
        init.signal.addEventListener("abort", () => reject(init.signal.reason as Error));
      });
    };
    const doomed = await openClient(homeserver, { storage, env: { fetch: neverUsed } });
    const asking = doomed.whoami().catch(() => {});
    await isAtUse;
    const left = await copyOf(storage);
    expect(await left.namespace("client").get("session")).toMatchObject({ gotBy: refreshToken });
    expect(await (await openClient(homeserver, { storage: left })).whoami()).toMatchObject({ userId });
    await doomed.close();
    await asking;
  });
});

/** A storage whose leases end as soon as the process stands still for a moment. */
function withShortLeases(storage: Storage): Storage {
  return new Proxy(storage, {
    get(target, name) {
      if (name === "namespace") return (child: string) => withShortLeases(target.namespace(child));
      if (name === "lease") return (of: string, options?: LeaseOptions) => target.lease(of, { ...options, ttlMs: 50 });
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

it("goes on with what others have renewed, when the process stood still before it asked for tokens and is refused them", async () => {
  const fake = await startFake();
  const storage = memoryStorage();
  const { client: other, userId } = await logIn(fake, "alice", { storage });
  const refusals: number[] = [];
  let hasStood = false;
  const standing: Fetch = async (url, init) => {
    if (url.endsWith("/refresh") && !hasStood) {
      hasStood = true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      await other.whoami();
    }
    const answer = await fetch(url, init);
    if (url.endsWith("/refresh")) refusals.push(answer.status);
    return answer;
  };
  const client = await openClient(fake, { storage: withShortLeases(storage), env: { fetch: standing } });
  const told = vi.fn();
  client.publisher.subscribe(LoggedOut, told);
  fake.expireAccessTokens(userId);
  expect(await client.whoami()).toMatchObject({ userId });
  expect(refusals).toEqual([403]);
  expect(told).not.toHaveBeenCalled();
});

/** What a client has stored, as the next process would find it when no lease is left. */
async function copyOf(storage: Storage): Promise<Storage> {
  const copy = memoryStorage();
  for await (const [key, value] of storage.namespace("client").entries() as AsyncIterable<[string, StorageValue]>) {
    await copy.namespace("client").set(key, value);
  }
  return copy;
}
