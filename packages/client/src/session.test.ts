import { memoryStorage } from "@mx/storage";
import { describe, expect, it, vi } from "vitest";
import { AlreadyLoggedInError, ConnectionError, NotLoggedInError } from "./errors.js";
import { LoggedIn, LoggedOut } from "./messages.js";
import { describeOnHomeservers, logIn, openClient, type Person, startFake } from "./testing/homeservers.js";

describeOnHomeservers("Client.login", (homeserver) => {
  it("logs in with a password, of a localpart or of a user ID", async () => {
    const { user, userId, password } = await homeserver.register("alice");
    for (const name of [user, userId]) {
      const client = await openClient(homeserver);
      expect(await client.isLoggedIn()).toBe(false);
      const identity = await client.login({ user: name, password });
      expect(identity).toEqual({ userId, deviceId: expect.any(String) as string });
      expect(await client.whoami()).toEqual(identity);
      expect(await client.isLoggedIn()).toBe(true);
    }
  });

  it("gives the device the ID and the name that it is asked to", async () => {
    const { user, password } = await homeserver.register("alice");
    const client = await openClient(homeserver);
    const device = { deviceId: "PHONE", deviceName: "Alice's phone" };
    expect(await client.login({ user, password, ...device })).toMatchObject({ deviceId: "PHONE" });
    expect(await client.whoami()).toMatchObject({ deviceId: "PHONE" });
  });

  it("checks an access token that the user has, and goes on with its device", async () => {
    const person = await homeserver.register("alice");
    const accessToken = await accessTokenOf(homeserver, person);
    const other = await openClient(homeserver);
    const taken = await other.login({ accessToken });
    expect(taken.userId).toBe(person.userId);
    expect(await other.whoami()).toEqual(taken);
  });

  it("stores nothing when the homeserver refuses", async () => {
    const { user } = await homeserver.register("alice");
    const storage = new Map<string, unknown>();
    const client = await openClient(homeserver, { storage });
    for (const wrong of [{ user, password: "wrong" }, { token: "wrong" }]) {
      await expect(client.login(wrong)).rejects.toMatchObject({
        name: "MatrixError",
        errcode: "M_FORBIDDEN",
        status: 403,
      });
    }
    await expect(client.login({ accessToken: "wrong" })).rejects.toMatchObject({
      errcode: "M_UNKNOWN_TOKEN",
      status: 401,
    });
    expect(await client.isLoggedIn()).toBe(false);
    expect([...storage.keys()]).toEqual(["client/=homeserver"]);
  });

  it("publishes LoggedIn when the session is stored", async () => {
    const person = await homeserver.register("alice");
    const storage = memoryStorage();
    const client = await openClient(homeserver, { storage });
    const told: [message: object, isStored: boolean][] = [];
    client.publisher.subscribe(LoggedIn, async (message) => {
      told.push([message, await storage.namespace("client").has("session")]);
    });
    const { userId, deviceId } = await client.login(person);
    expect(told).toEqual([[new LoggedIn(userId, deviceId ?? ""), true]]);
  });

  it("refuses a second login, and says whose session it is", async () => {
    const { client, userId, ...person } = await logIn(homeserver, "alice");
    await expect(client.login(person)).rejects.toThrow(AlreadyLoggedInError);
    await expect(client.login(person)).rejects.toThrow(userId);
  });
});

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
});

describe("Client.login", () => {
  it.each([
    [{}, '"user" is not a string'],
    [{ user: "alice" }, '"password" is not a string'],
    [{ user: "", password: "x" }, '"user" is empty'],
    [{ user: 7, password: "secret-x" }, '"user" is not a string'],
    [{ token: "" }, '"token" is empty'],
    [{ accessToken: 9 }, '"accessToken" is not a string'],
  ])("refuses %j before anything is asked, without saying a secret", async (credentials, found) => {
    const fake = await startFake();
    const client = await openClient(fake);
    const before = fake.requests.length;
    const error = await client.login(credentials as never).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(found);
    expect((error as Error).message).not.toContain("secret");
    expect(fake.requests).toHaveLength(before);
  });

  it.each([
    ["HTML", "<h1>Hello</h1>"],
    ["an array", "[]"],
    ["an object without a token", '{"user_id":"@a:b","device_id":"D"}'],
    ["an object whose token is not a string", '{"user_id":"@a:b","device_id":"D","access_token":{}}'],
  ])("takes %s with status 200 for no login", async (_, body) => {
    const fake = await startFake();
    const storage = new Map<string, unknown>();
    const client = await openClient(fake, { storage });
    fake.intercept("/_matrix/client/v3/login", (_request, response) => void response.end(body));
    await expect(client.login({ user: "alice", password: "x" })).rejects.toThrow(ConnectionError);
    expect(await client.isLoggedIn()).toBe(false);
    expect(storage.has("client/=session")).toBe(false);
  });

  it("does not follow a redirect: neither the password nor a token goes elsewhere", async () => {
    const [fake, elsewhere] = [await startFake(), await startFake()];
    const person = await fake.register("alice");
    const client = await openClient(fake);
    const redirect = fake.intercept(/^\/_matrix\/client\/v3\//, (request, response) => {
      response.writeHead(307, { location: `${elsewhere.url}${request.url}` }).end();
    });
    await expect(client.login(person)).rejects.toMatchObject({ name: "ConnectionError", status: 307 });
    redirect();
    await client.login(person);
    fake.intercept(/whoami/, (request, response) => {
      response.writeHead(302, { location: `${elsewhere.url}${request.url}` }).end();
    });
    await expect(client.whoami()).rejects.toMatchObject({ name: "ConnectionError", status: 302 });
    expect(elsewhere.requests).toEqual([]);
  });
});

describe("a session that the homeserver ends", () => {
  it("is forgotten when its token is unknown and not softly logged out; LoggedOut is published", async () => {
    const fake = await startFake();
    const storage = new Map<string, unknown>();
    const { client, userId } = await logIn(fake, "alice", { storage });
    const told = vi.fn();
    client.publisher.subscribe(LoggedOut, told);
    fake.logOut(userId);
    await expect(client.whoami()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    expect(told).toHaveBeenCalledTimes(1);
    expect(await client.isLoggedIn()).toBe(false);
    expect(storage).toEqual(new Map());
  });

  it("stays stored after a soft logout when nobody knows how to log in again", async () => {
    const fake = await startFake();
    const { client, userId } = await logIn(fake, "alice");
    fake.softLogOut(userId);
    await expect(client.whoami()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN", data: { soft_logout: true } });
    expect(await client.isLoggedIn()).toBe(true);
  });

  it("goes on after a soft logout when the application logs in again: once, for all requests, with the same device", async () => {
    const fake = await startFake();
    const person = await fake.register("alice");
    const logInAgain = vi.fn(() => ({ user: person.user, password: person.password }));
    const storage = memoryStorage();
    const client = await openClient(fake, { storage, callbacks: { logInAgain } });
    const { userId, deviceId } = await client.login(person);
    await storage.namespace("client").set("sync", { nextBatch: "kept" });

    fake.softLogOut(userId);
    const answers = await Promise.all([client.whoami(), client.whoami(), client.createRoom()]);
    expect(answers.slice(0, 2)).toEqual([
      { userId, deviceId },
      { userId, deviceId },
    ]);
    expect(logInAgain.mock.calls).toEqual([[{ userId, deviceId }]]);
    expect(await storage.namespace("client").get("sync")).toEqual({ nextBatch: "kept" });

    await client.close();
    const later = await openClient(fake, { storage });
    expect(await later.whoami()).toEqual({ userId, deviceId });
  });

  it("does not become somebody else's", async () => {
    const fake = await startFake();
    const bob = await fake.register("bob");
    const callbacks = { logInAgain: () => ({ user: bob.user, password: bob.password }) };
    const { client, userId } = await logIn(fake, "alice", { callbacks });
    fake.softLogOut(userId);
    await expect(client.whoami()).rejects.toThrow("credentials of another user");
  });
});

/** An access token of a user, as another program has one. */
async function accessTokenOf({ url }: { url: string }, { user, password }: Person): Promise<string> {
  const body = JSON.stringify({ type: "m.login.password", identifier: { type: "m.id.user", user }, password });
  const response = await fetch(`${url}/_matrix/client/v3/login`, { method: "POST", body });
  return ((await response.json()) as { access_token: string }).access_token;
}
