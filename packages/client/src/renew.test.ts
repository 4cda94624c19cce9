import { memoryStorage, type Storage, StorageError } from "@mx/storage";
import { type FakeHomeserver, faults } from "@mx/testing";
import { describe, expect, it, vi } from "vitest";
import type { Client } from "./client.js";
import { NotLoggedInError } from "./errors.js";
import { LoggedOut } from "./messages.js";
import { heldStorage } from "./testing/held-storage.js";
import { describeOnHomeservers, logIn, openClient, type Person, startFake } from "./testing/homeservers.js";
import { wrappedStorage } from "./testing/wrapped-storage.js";

const refreshPath = "/_matrix/client/v3/refresh";
const day = 86_400_000;

interface StoredTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** The tokens that a client has stored. */
async function tokensIn(storage: Storage): Promise<StoredTokens> {
  return (await storage.namespace("client").get("session")) as unknown as StoredTokens;
}

/** Refreshes as another program would that has the refresh token. */
async function refreshElsewhere({ url }: { url: string }, { refreshToken }: StoredTokens): Promise<StoredTokens> {
  const body = JSON.stringify({ refresh_token: refreshToken });
  const response = await fetch(url + refreshPath, { method: "POST", body });
  const { access_token, refresh_token } = (await response.json()) as { access_token: string; refresh_token: string };
  return { accessToken: access_token, refreshToken: refresh_token };
}

const refreshesOf = (fake: FakeHomeserver): number => fake.requests.filter(({ path }) => path === refreshPath).length;

/** Two clients with one session, as in two processes that share a storage. */
async function openTwo(fake: Awaited<ReturnType<typeof startFake>>) {
  const storage = memoryStorage();
  const { client: first, ...person } = await logIn(fake, "alice", { storage });
  const second = await openClient(fake, { storage });
  await second.whoami();
  return { storage, first, second, ...person };
}

describeOnHomeservers("a session with a refresh token", (homeserver) => {
  it("refreshes its tokens before they end, once for all requests, and goes on with them in a later life", async () => {
    const storage = memoryStorage();
    let now = Date.now();
    const env = { now: () => now };
    const { client, userId } = await logIn(homeserver, "alice", { storage, env });
    const before = await tokensIn(storage);
    await client.whoami();
    expect(await tokensIn(storage)).toEqual(before);

    now += day;
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.whoami()));
    expect(new Set(answers.map((answer) => answer.userId))).toEqual(new Set([userId]));
    const after = await tokensIn(storage);
    expect(after.accessToken).not.toBe(before.accessToken);
    expect(after.refreshToken).not.toBe(before.refreshToken);

    await client.close();
    const later = await openClient(homeserver, { storage, env });
    expect(await later.whoami()).toMatchObject({ userId });
    expect(await tokensIn(storage)).toEqual(after);
  });

  it("ends up logged in when it was refreshed twice, and its tokens are those that the homeserver has dropped", async () => {
    const storage = memoryStorage();
    const { client, userId } = await logIn(homeserver, "alice", { storage });
    const told = vi.fn();
    const before = await tokensIn(storage);
    // What a client has that was killed after it has stored new tokens and before it has used them.
    const dropped = await refreshElsewhere(homeserver, before);
    await refreshElsewhere(homeserver, before);
    await storage.namespace("client").set("session", {
      ...((await storage.namespace("client").get("session")) as object),
      ...dropped,
      gotBy: before.refreshToken,
    });
    await client.close();

    const later = await openClient(homeserver, { storage });
    later.publisher.subscribe(LoggedOut, told);
    expect(await later.whoami()).toMatchObject({ userId });
    expect((await tokensIn(storage)).accessToken).not.toBe(dropped.accessToken);
    expect(told).not.toHaveBeenCalled();
  });

  it("is not ended by a late refusal of an access token that it has replaced", async () => {
    const storage = memoryStorage();
    const { client, userId } = await logIn(homeserver, "alice", { storage });
    const other = await openClient(homeserver, { storage });
    await other.whoami();
    const next = await refreshElsewhere(homeserver, await tokensIn(storage));
    const stored = (await storage.namespace("client").get("session")) as object;
    await storage.namespace("client").set("session", { ...stored, ...next });
    const third = await openClient(homeserver, { storage });
    await third.whoami();
    // The old token is unknown now, without a soft logout.
    expect(await client.whoami()).toMatchObject({ userId });
    expect(await other.createRoom()).toMatch(/^!/);
  });

  it("goes on with its access token while that is good, when its refresh token is refused", async () => {
    const storage = memoryStorage();
    const logInAgain = vi.fn();
    const { client, userId } = await logIn(homeserver, "alice", { storage });
    const stored = (await storage.namespace("client").get("session")) as object;
    await client.close();
    await storage.namespace("client").set("session", { ...stored, refreshToken: "syr_unknown", refreshAt: 0 });
    const later = await openClient(homeserver, { storage, callbacks: { logInAgain } });
    expect(await later.whoami()).toMatchObject({ userId });
    expect(logInAgain).not.toHaveBeenCalled();
  });
});

describe("renewing tokens", () => {
  it("is done once for all requests that wait, when the access token has ended (threat 26)", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const { client, userId } = await logIn(fake, "alice", { storage });
    fake.expireAccessTokens(userId);
    const [who, roomId] = await Promise.all([client.whoami(), client.createRoom(), client.whoami()]);
    expect(who).toMatchObject({ userId });
    expect(roomId).toMatch(/^!/);
    expect(refreshesOf(fake)).toBe(1);
    const created = fake.requests.filter(({ path }) => path.endsWith("/createRoom"));
    const { accessToken } = await tokensIn(storage);
    expect(created.map(({ headers }) => headers.authorization === `Bearer ${accessToken}`)).toEqual([false, true]);
  });

  it("stores the new tokens before it uses them", async () => {
    const fake = await startFake();
    const { storage, hold, release } = heldStorage();
    const { client, userId } = await logIn(fake, "alice", { storage });
    fake.expireAccessTokens(userId);
    const isHeld = vi.fn();
    let held: Promise<void> | undefined;
    fake.intercept(refreshPath, async (_request, _response, pass) => {
      held = hold().then(isHeld);
      await pass();
    });
    const asking = client.whoami();
    await vi.waitFor(() => expect(isHeld).toHaveBeenCalled());
    await held;
    expect(fake.requests.at(-1)?.path).toBe(refreshPath);
    release();
    await asking;
    expect(fake.requests.at(-1)?.path).toMatch(/whoami$/);
  });

  it("is done once for all clients that share a storage, and the others go on with what one has stored", async () => {
    const fake = await startFake();
    const { first, second, userId } = await openTwo(fake);
    for (let round = 1; round <= 5; round++) {
      fake.expireAccessTokens(userId);
      const clients = round % 2 === 0 ? [first, second] : [second, first];
      await Promise.all(clients.flatMap((client) => [client.whoami(), client.whoami()]));
      expect(refreshesOf(fake)).toBe(round);
    }
  });

  it("ends with the session, when another client that shares the storage has logged out", async () => {
    const fake = await startFake();
    const { storage, first, second } = await openTwo(fake);
    const told = vi.fn();
    second.publisher.subscribe(LoggedOut, told);
    await first.logout();
    const bob = await fake.register("bob");
    await first.login(bob);
    await expect(second.whoami()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    expect(await second.isLoggedIn()).toBe(false);
    expect(told).toHaveBeenCalledTimes(1);
    // What is stored is bob's, and stays.
    expect(await storage.namespace("client").get("session")).toMatchObject({ userId: bob.userId });
    expect(await first.whoami()).toMatchObject({ userId: bob.userId });
  });

  it("keeps the session and says that there is no connection, when there is none", async () => {
    const fake = await startFake();
    const { client, userId } = await logIn(fake, "alice", { env: { setTimeout: hasty } });
    fake.expireAccessTokens(userId);
    const stop = fake.intercept(refreshPath, faults.resetAfterProcessing());
    await expect(client.whoami()).rejects.toMatchObject({ name: "ConnectionError" });
    stop();
    expect(await client.whoami()).toMatchObject({ userId });
  });

  it("does not keep a request waiting that the old access token still serves", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    let now = Date.now();
    const { client, userId } = await logIn(fake, "alice", { storage, env: { now: () => now, setTimeout: hasty } });
    fake.intercept(refreshPath, faults.gatewayError(503));
    now += day;
    expect(await client.whoami()).toMatchObject({ userId });
    const refreshes = refreshesOf(fake);
    expect(await client.whoami()).toMatchObject({ userId });
    // Not before every request: there is time.
    expect(refreshesOf(fake)).toBe(refreshes);
    now += 5000;
    await client.whoami();
    expect(refreshesOf(fake)).toBeGreaterThan(refreshes);
  });

  it("asks how to log in again when it was a soft logout and no refresh token is good (threat 26)", async () => {
    const fake = await startFake();
    const person = await fake.register("alice");
    const logInAgain = vi.fn((): Person => person);
    const storage = memoryStorage();
    const client = await openClient(fake, { storage, callbacks: { logInAgain } });
    const identity = await client.login(person);
    await storage.namespace("client").set("sync", { nextBatch: "kept" });
    fake.softLogOut(person.userId);
    expect(await Promise.all([client.whoami(), client.whoami()])).toEqual([identity, identity]);
    expect(logInAgain).toHaveBeenCalledTimes(1);
    expect(await storage.namespace("client").get("sync")).toEqual({ nextBatch: "kept" });
  });

  it("keeps a session that is softly logged out, and tells so, when nobody knows how to log in again (threat 26)", async () => {
    const fake = await startFake();
    const { client, userId } = await logIn(fake, "alice");
    fake.softLogOut(userId);
    await expect(client.whoami()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN", data: { soft_logout: true } });
    expect(await client.isLoggedIn()).toBe(true);
  });

  it.each([{}, { soft_logout: false }, { soft_logout: "true" }, { soft_logout: null }])(
    "ends a session whose current access token is refused with %j (threat 26)",
    async (extra) => {
      const fake = await startFake();
      const { client } = await logIn(fake, "alice");
      const body = JSON.stringify({ errcode: "M_UNKNOWN_TOKEN", error: "gone", ...extra });
      fake.intercept(/whoami/, faults.answerWith(401, body));
      await expect(client.whoami()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
      expect(await client.isLoggedIn()).toBe(false);
      await expect(client.whoami()).rejects.toThrow(NotLoggedInError);
    },
  );

  it("keeps the session when the homeserver says anything else with 401 (threat 26)", async () => {
    const fake = await startFake();
    const { client, userId } = await logIn(fake, "alice");
    fake.lockUser(userId);
    await expect(client.whoami()).rejects.toMatchObject({ errcode: "M_USER_LOCKED", status: 401 });
    fake.unlockUser(userId);
    for (const errcode of ["M_MISSING_TOKEN", "M_FORBIDDEN", "M_UNKNOWN_TOKEN_", "m_unknown_token"]) {
      const stop = fake.intercept(/whoami/, faults.answerWith(401, JSON.stringify({ errcode, error: "no" })));
      await expect(client.whoami()).rejects.toMatchObject({ errcode });
      stop();
    }
    expect(await client.whoami()).toMatchObject({ userId });
  });

  it.each([400, 403, 404, 429, 500, 502])(
    "keeps the session when M_UNKNOWN_TOKEN comes with %d (threat 26)",
    async (status) => {
      const fake = await startFake();
      const { client } = await logIn(fake, "alice", { env: { setTimeout: hasty } });
      const body = '{"errcode":"M_UNKNOWN_TOKEN","error":"no"}';
      fake.intercept(/whoami|logout/, faults.answerWith(status, body));
      for (const call of [() => client.whoami(), () => client.logout()]) {
        await expect(call()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN", status });
      }
      expect(await client.isLoggedIn()).toBe(true);
    },
  );

  it("does not log in again on a device for which another client has got tokens meanwhile", async () => {
    const fake = await startFake();
    const storage = new Map<string, unknown>();
    const person = await fake.register("alice");
    const first = await openClient(fake, { storage, callbacks: { logInAgain: () => person } });
    const { userId } = await first.login(person);
    const logInAgain = vi.fn(async () => {
      // What a process that stands still loses: its lease is over, and another one takes it.
      storage.set("%lease-end/client/=session", 0);
      await first.whoami();
      return person;
    });
    const second = await openClient(fake, { storage, callbacks: { logInAgain } });
    fake.softLogOut(userId);
    const logins = (): number => fake.requests.filter(({ path }) => path === "/_matrix/client/v3/login").length;
    const before = logins();
    expect(await second.whoami()).toMatchObject({ userId });
    expect(logInAgain).toHaveBeenCalledTimes(1);
    expect(logins() - before).toBe(1);
    expect(await first.whoami()).toMatchObject({ userId });
  });

  it("ends the session at the homeserver, too, after the application has failed to say how to log in again", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const callbacks = {
      logInAgain: () => {
        throw new Error("no idea");
      },
    };
    const { client } = await logIn(fake, "alice", { storage, callbacks });
    const stop = fake.intercept(
      /whoami|refresh/,
      faults.answerWith(401, '{"errcode":"M_UNKNOWN_TOKEN","error":"x","soft_logout":true}'),
    );
    await expect(client.whoami()).rejects.toThrow("no idea");
    stop();
    const { accessToken } = await tokensIn(storage);
    fake.intercept(
      /logout/,
      faults.times(1, faults.answerWith(401, '{"errcode":"M_UNKNOWN_TOKEN","soft_logout":true}')),
    );
    await client.logout();
    const late = await openClient(fake);
    await expect(late.login({ accessToken })).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
  });

  it("is waited for no longer than a request may take", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const person = await fake.register("alice");
    const asked = vi.fn(() => new Promise<never>(() => {}));
    const asking = await openClient(fake, { storage, callbacks: { logInAgain: asked } });
    await asking.login(person);
    const other = await openClient(fake, { storage });
    fake.softLogOut(person.userId);
    const options = { timeoutMs: 50 };
    const late = { name: "ConnectionError", message: expect.stringContaining("within 50 ms") as string };
    await expect(asking.request("GET", "v3/account/whoami", options)).rejects.toMatchObject(late);
    expect(asked).toHaveBeenCalledTimes(1);
    await expect(other.request("GET", "v3/account/whoami", options)).rejects.toMatchObject(late);
  });

  it("ends with a logout, and with it what waits for new tokens", async () => {
    const fake = await startFake();
    const { client, userId } = await logIn(fake, "alice");
    fake.expireAccessTokens(userId);
    fake.intercept(refreshPath, faults.times(1, faults.fallSilentBeforeProcessing()));
    const waiting = expect(client.whoami()).rejects.toThrow(NotLoggedInError);
    await vi.waitFor(() => expect(refreshesOf(fake)).toBe(1));
    await client.logout();
    await waiting;
  });

  it("gives up on a homeserver that refuses every token that it gives", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const body = '{"errcode":"M_UNKNOWN_TOKEN","error":"expired","soft_logout":true}';
    fake.intercept(/whoami/, faults.answerWith(401, body));
    await expect(client.whoami()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    expect(fake.requests.filter(({ path }) => path.endsWith("/whoami"))).toHaveLength(3);
    expect(await client.isLoggedIn()).toBe(true);
  });

  it.each([0, -1, 1, 1e300, "60000", null])(
    "does not ask for tokens again and again when they live for %j ms",
    async (expires_in_ms) => {
      const fake = await startFake();
      const answer = async (client: Client): Promise<void> => {
        for (let i = 0; i < 5; i++) await client.whoami();
      };
      let clock = 5_000_000_000_000;
      const storage = memoryStorage();
      const { client } = await logIn(fake, "alice", { storage, env: { now: () => clock } });
      fake.intercept(refreshPath, async (_request, response, _pass, homeserver) => {
        const { body } = await homeserver.process();
        const tokens = JSON.parse(body.toString()) as object;
        response.end(JSON.stringify({ ...tokens, expires_in_ms }));
      });
      clock += day;
      await answer(client);
      expect(refreshesOf(fake)).toBe(1);
      clock += 1000;
      await answer(client);
      expect(refreshesOf(fake)).toBeLessThanOrEqual(2);
    },
  );

  it("goes on with the refresh token that it has, when the homeserver gives no other", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const { client, userId } = await logIn(fake, "alice", { storage });
    const { refreshToken } = await tokensIn(storage);
    const stop = fake.intercept(refreshPath, async (_request, response, _pass, homeserver) => {
      const { access_token } = JSON.parse((await homeserver.process()).body.toString()) as { access_token: string };
      response.end(JSON.stringify({ access_token }));
    });
    fake.expireAccessTokens(userId);
    await client.whoami();
    expect(await tokensIn(storage)).toMatchObject({ refreshToken });
    stop();
  });

  it.each(["null", "[]", "{}", '{"access_token":7}', '{"access_token":""}', '{"access_token":"a b"}', "<html>"])(
    "takes the answer %s for none (threat 9)",
    async (body) => {
      const fake = await startFake();
      const storage = memoryStorage();
      const { client, userId } = await logIn(fake, "alice", { storage, env: { setTimeout: hasty } });
      const before = await tokensIn(storage);
      fake.expireAccessTokens(userId);
      const stop = fake.intercept(refreshPath, faults.answerWith(200, body));
      await expect(client.whoami()).rejects.toMatchObject({ name: "ConnectionError" });
      expect(await tokensIn(storage)).toEqual(before);
      stop();
      expect(await client.whoami()).toMatchObject({ userId });
    },
  );

  it("works when the clock is set a month back or forth (threat 28)", async () => {
    const fake = await startFake();
    let now = Date.now();
    const { client, userId } = await logIn(fake, "alice", { env: { now: () => now } });
    now += 30 * day;
    for (let i = 0; i < 3; i++) await client.whoami();
    expect(refreshesOf(fake)).toBe(1);
    now -= 60 * day;
    fake.expireAccessTokens(userId);
    for (let i = 0; i < 3; i++) await client.whoami();
    expect(refreshesOf(fake)).toBe(2);
  });

  it("goes on when the answer to a refresh is lost", async () => {
    const fake = await startFake();
    const { client, userId } = await logIn(fake, "alice");
    fake.expireAccessTokens(userId);
    fake.intercept(refreshPath, faults.times(1, faults.resetAfterProcessing()));
    expect(await client.whoami()).toMatchObject({ userId });
    expect(refreshesOf(fake)).toBe(2);
  });

  it("is not tried for tokens that have worked and are refused for good (threat 26)", async () => {
    const fake = await startFake();
    const { client, userId } = await logIn(fake, "alice");
    fake.expireAccessTokens(userId);
    await client.whoami();
    fake.logOut(userId);
    await expect(client.whoami()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    expect(await client.isLoggedIn()).toBe(false);
    expect(refreshesOf(fake)).toBe(1);
  });

  it("tries a refresh token that was used before only while nothing that it got has worked", async () => {
    const fake = await startFake();
    const { client, userId } = await logIn(fake, "alice");
    fake.expireAccessTokens(userId);
    await client.whoami();
    fake.softLogOut(userId);
    await expect(client.whoami()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    expect(refreshesOf(fake)).toBe(2);
  });

  it("leaves it to another process that has taken over, because this one was too slow", async () => {
    const fake = await startFake();
    const inner = memoryStorage();
    const { client: first, userId } = await logIn(fake, "alice", { storage: inner });
    await first.close();
    const later: { tokens?: StoredTokens } = {};
    const storage = slowedDown(inner, async () => {
      const session = (await inner.namespace("client").get("session")) as object;
      later.tokens = await refreshElsewhere(fake, session as StoredTokens);
      await inner.namespace("client").set("session", { ...session, ...later.tokens });
    });
    const client = await openClient(fake, { storage });
    fake.expireAccessTokens(userId);
    expect(await client.whoami()).toMatchObject({ userId });
    expect(await tokensIn(inner)).toMatchObject({ ...later.tokens });
  });

  it.each([0, day])("is waited for by no request that its caller has given up, %j ms later", async (passed) => {
    const fake = await startFake();
    let now = Date.now();
    const { client, userId } = await logIn(fake, "alice", { env: { now: () => now } });
    now += passed;
    if (passed === 0) fake.expireAccessTokens(userId);
    fake.intercept(refreshPath, faults.fallSilentBeforeProcessing());
    const giveUp = new AbortController();
    const asking = client.request("GET", "v3/account/whoami", { signal: giveUp.signal });
    const refused = expect(asking).rejects.toThrow("enough");
    await vi.waitFor(() => expect(refreshesOf(fake)).toBe(1));
    giveUp.abort(new Error("enough"));
    await refused;
  });

  it("keeps no client from closing, and the session is there in its next life", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const { client, userId } = await logIn(fake, "alice", { storage });
    fake.expireAccessTokens(userId);
    const stop = fake.intercept(refreshPath, faults.fallSilentAfterProcessing());
    const asking = expect(client.whoami()).rejects.toMatchObject({ name: "ClientClosedError" });
    await vi.waitFor(() => expect(refreshesOf(fake)).toBe(1));
    await client.close();
    await asking;
    stop();
    // Nobody has to wait until the lease of this one ends by itself.
    const lease = await storage.namespace("client").lease("session");
    await lease.release();
    const later = await openClient(fake, { storage });
    expect(await later.whoami()).toMatchObject({ userId });
  });
});

/** A storage that loses a lease once, in the moment before what is done under it is committed; then `meanwhile` happens. */
function slowedDown(inner: Storage, meanwhile: () => Promise<void>): Storage {
  let isLost = false;
  return wrappedStorage(inner, (call, method, [, options]) => {
    const isUnderLease = typeof options === "object" && options !== null && "lease" in options && options.lease;
    if (method !== "transaction" || !isUnderLease || isLost) return call();
    isLost = true;
    return meanwhile().then(() => {
      throw new StorageError("Cannot commit: the lease is lost", { code: "lease-lost" });
    });
  });
}

/** Waits between attempts are over at once; deadlines are not. */
function hasty(callback: () => void, ms: number): unknown {
  return setTimeout(callback, ms < 30_000 ? 0 : ms);
}
