import { memoryStorage } from "@mx/storage";
import type { FakeHomeserver } from "@mx/testing";
import { describe, expect, it, vi } from "vitest";
import { NotLoggedInError } from "./errors.js";
import { LoggedOut } from "./messages.js";
import { accessTokenOf } from "./testing/access-token-of.js";
import { devicesOf } from "./testing/devices-of.js";
import { describeOnHomeservers, logIn, openClient, startFake } from "./testing/homeservers.js";

describeOnHomeservers("Client.logout", (homeserver) => {
  it("ends the session at the homeserver, and clears what this client stored and nothing else", async () => {
    const storage = memoryStorage();
    await storage.set("mine", 1);
    await storage.namespace("clients").set("mine", 2);
    const { client, user, password } = await logIn(homeserver, "alice", { storage });
    const { userId, deviceId } = await client.whoami();
    const told: object[] = [];
    client.publisher.subscribe(LoggedOut, (message) => told.push(message));

    await client.logout();
    expect(told).toEqual([new LoggedOut(userId, deviceId ?? "")]);
    expect(await client.isLoggedIn()).toBe(false);
    await expect(client.whoami()).rejects.toThrow(NotLoggedInError);
    const left: unknown[] = [];
    for await (const [key] of storage.namespace("client").entries()) left.push(key);
    expect(left).toEqual([]);
    expect([await storage.get("mine"), await storage.namespace("clients").get("mine")]).toEqual([1, 2]);

    await client.login({ user, password });
    await client.close();
    const later = await openClient(homeserver, { storage });
    expect(await later.whoami()).toMatchObject({ userId });
  });

  it("makes the access token useless", async () => {
    const { client, ...person } = await logIn(homeserver, "alice");
    const accessToken = await accessTokenOf(homeserver, person);
    const other = await openClient(homeserver);
    await other.login({ accessToken });
    await other.logout();
    const late = await openClient(homeserver);
    await expect(late.login({ accessToken })).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    expect(await client.isLoggedIn()).toBe(true);
  });

  it("is done once, however often it is asked for, and needs no session", async () => {
    const { client } = await logIn(homeserver, "alice");
    const told = vi.fn();
    client.publisher.subscribe(LoggedOut, told);
    await Promise.all([client.logout(), client.logout()]);
    await client.logout();
    expect(told).toHaveBeenCalledTimes(1);
    await expect((await openClient(homeserver)).logout()).resolves.toBeUndefined();
  });

  it("takes a session that the homeserver does not know for one that is over", async () => {
    const storage = memoryStorage();
    const { client, ...person } = await logIn(homeserver, "alice", { storage });
    const other = await openClient(homeserver);
    await other.login({ accessToken: await accessTokenOf(homeserver, person) });
    await other.logoutAll();
    await client.logout();
    expect(await client.isLoggedIn()).toBe(false);
    expect(await storage.namespace("client").has("session")).toBe(false);
  });
});

describeOnHomeservers("Client.logoutAll", (homeserver) => {
  it("ends all sessions of the user, and forgets this one", async () => {
    const { client, ...person } = await logIn(homeserver, "alice");
    const other = await openClient(homeserver);
    await other.login(person);
    const told = vi.fn();
    client.publisher.subscribe(LoggedOut, told);
    await client.logoutAll();
    await client.logoutAll();
    expect(told).toHaveBeenCalledTimes(1);
    expect(await client.isLoggedIn()).toBe(false);
    await expect(other.whoami()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
  });
});

describe("a logout", () => {
  const logoutPath = "/_matrix/client/v3/logout";

  it("changes nothing when the homeserver cannot be asked", async () => {
    const fake = await startFake();
    // Attempts that may help are made at once; deadlines are as they are.
    const env = {
      setTimeout: (callback: () => void, delayMs: number) => setTimeout(callback, delayMs < 30_000 ? 0 : delayMs),
    };
    const { client } = await logIn(fake, "alice", { env });
    const end = fake.intercept(/\/logout/, (_, response) => void response.writeHead(502).end("<h1>Sorry</h1>"));
    await expect(client.logout()).rejects.toMatchObject({ name: "ConnectionError", status: 502 });
    await expect(client.logoutAll()).rejects.toMatchObject({ name: "ConnectionError", status: 502 });
    end();
    expect(await client.whoami()).toMatchObject({ deviceId: expect.any(String) as string });
  });

  it("gets new tokens first when those that it has are softly logged out, so that the device ends as well", async () => {
    const fake = await startFake();
    const logInAgain = vi.fn();
    const { client, ...person } = await logIn(fake, "alice", { callbacks: { logInAgain } });
    const other = await openClient(fake);
    await other.login(person);
    refuseExpiredTokens(fake);
    fake.expireAccessTokens(person.userId);
    await client.logout();
    expect(await client.isLoggedIn()).toBe(false);
    expect(await devicesOf(other)).toHaveLength(1);
    expect(logInAgain).not.toHaveBeenCalled();
  });

  it("takes tokens that another process has got meanwhile", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const { client, ...person } = await logIn(fake, "alice", { storage });
    const [other, witness] = [await openClient(fake, { storage }), await openClient(fake)];
    await witness.login(person);
    fake.expireAccessTokens(person.userId);
    await other.whoami();
    await client.logout();
    expect(await devicesOf(witness)).toHaveLength(1);
    await expect(other.whoami()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
  });

  it("does not wait for the application, which is asked how to log in again and takes its time", async () => {
    const fake = await startFake();
    const logInAgain = vi.fn(() => new Promise<undefined>(() => {}));
    const { client, userId } = await logIn(fake, "alice", { callbacks: { logInAgain } });
    refuseExpiredTokens(fake);
    fake.softLogOut(userId);
    const waiting = expect(client.whoami()).rejects.toThrow(NotLoggedInError);
    await vi.waitFor(() => expect(logInAgain).toHaveBeenCalled());
    await client.logout();
    await waiting;
    expect(await client.isLoggedIn()).toBe(false);
  });

  /** As homeservers do that let nobody log out by an access token that has expired. */
  function refuseExpiredTokens(fake: FakeHomeserver): void {
    fake.intercept(logoutPath, async (request, response, pass) => {
      const { authorization = "" } = request.headers;
      const answer = await fetch(`${fake.url}/_matrix/client/v3/account/whoami`, { headers: { authorization } });
      if (answer.ok) return pass();
      response.writeHead(answer.status).end(await answer.text());
    });
  }
});
