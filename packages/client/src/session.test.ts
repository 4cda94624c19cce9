import { inspect } from "node:util";
import { memoryStorage } from "@mx/storage";
import { describe, expect, it, vi } from "vitest";
import { AlreadyLoggedInError, ClientClosedError, ConnectionError, NotLoggedInError } from "./errors.js";
import { LoggedIn, LoggedOut } from "./messages.js";
import { closing } from "./testing/closing.js";
import { heldStorage } from "./testing/held-storage.js";
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
    [{ accessToken: "syt_secret\n" }, '"accessToken" holds a space, a line break or worse'],
    ["syt_secret", "the credentials are not an object"],
    [null, "the credentials are not an object"],
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

describe("the sessions of a client", () => {
  const sendPath = "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}";

  it("never do in the name of one user what was asked for in the name of another", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const bob = await fake.register("bob");
    const roomId = await client.createRoom({ preset: "public_chat" });
    const reached = new Promise<void>((resolve) => {
      fake.intercept(sendPath, () => resolve());
    });
    const secrets = [client.sendText(roomId, "in flight"), client.sendText(roomId, "waiting for its turn")];
    const outcomes = Promise.allSettled(secrets);
    await reached;
    await client.logout();
    await client.login(bob);
    await client.joinRoom(roomId);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { name: "NotLoggedInError" } });
    }
    const sends = fake.requests.filter(({ path }) => path.includes("/send/"));
    expect(sends).toHaveLength(1);
  });

  it("begin one at a time", async () => {
    const fake = await startFake();
    const client = await openClient(fake);
    const [alice, bob] = [await fake.register("alice"), await fake.register("bob")];
    const [first, second] = await Promise.allSettled([client.login(alice), client.login(bob)]);
    expect(first.status).toBe("fulfilled");
    expect(second).toMatchObject({ status: "rejected", reason: { name: "AlreadyLoggedInError" } });
    expect(await client.whoami()).toMatchObject({ userId: alice.userId });
  });

  it("leave nothing of an earlier one behind when they begin", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const client = await openClient(fake, { storage });
    await storage.namespace("client").set("sync", { nextBatch: "somebody else's" });
    await client.login(await fake.register("alice"));
    expect(await storage.namespace("client").has("sync")).toBe(false);
  });

  it("are in the storage before the client has them, and until it has them no more", async () => {
    const fake = await startFake();
    const { storage, hold, release } = heldStorage();
    const client = await openClient(fake, { storage });
    await client.url("versions");
    for (const change of [async () => client.login(await fake.register("alice")), () => client.logout()]) {
      const before = await client.isLoggedIn();
      const isHeld = hold();
      const changing = change();
      await isHeld;
      expect(await client.isLoggedIn()).toBe(before);
      release();
      await changing;
      expect(await client.isLoggedIn()).toBe(!before);
    }
  });

  it("are ended at the homeserver when they cannot be stored", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const client = await openClient(fake, { storage });
    await client.url("versions");
    await storage.close();
    await expect(client.login(await fake.register("alice"))).rejects.toMatchObject({ name: "StorageError" });
    expect(await client.isLoggedIn()).toBe(false);
    expect(fake.requests.at(-1)?.path).toBe("/_matrix/client/v3/logout");
  });

  it("may belong to no device", async () => {
    const fake = await startFake();
    fake.intercept(/whoami/, (_, response) => void response.end('{"user_id":"@bridge:fake.test"}'));
    const storage = memoryStorage();
    const client = await openClient(fake, { storage });
    expect(await client.login({ accessToken: "as_token" })).toEqual({ userId: "@bridge:fake.test" });
    await client.close();
    expect(await (await openClient(fake, { storage })).isLoggedIn()).toBe(true);
  });

  it("end while their messages are handled, so that a subscriber may log in and out again", async () => {
    const fake = await startFake();
    const { client, user, password } = await logIn(fake, "alice");
    const told: string[] = [];
    client.publisher.subscribe(LoggedOut, async () => {
      told.push("out");
      if (told.length > 2) return;
      await client.login({ user, password });
      await client.logout();
    });
    await client.logout();
    expect(told).toEqual(["out", "out", "out"]);
    expect(await client.isLoggedIn()).toBe(false);
  });

  it("show their access token to nobody who looks at the client or at its errors", async () => {
    const fake = await startFake();
    const content = new Map<string, unknown>();
    // A storage of the client's own: what is in there holds the token, as it must.
    const { client, userId } = await logIn(fake, "alice", { storage: () => content });
    const { accessToken } = content.get("client/=session") as { accessToken: string };
    expect(accessToken).toMatch(/./);
    fake.logOut(userId);
    const refusal: unknown = await client.whoami().catch((error: unknown) => error);
    const late: unknown = await client.sendText("!r", "x").catch((error: unknown) => error);
    for (const seen of [client, refusal, late]) {
      expect(inspect(seen, { depth: 20, showHidden: true })).not.toContain(accessToken);
      expect(JSON.stringify(seen)).not.toContain(accessToken);
    }
  });

  it("let their requests run at once without a warning of the runtime", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on("warning", listen);
    closing({ close: () => process.off("warning", listen) });
    await Promise.all(Array.from({ length: 30 }, () => client.whoami()));
    expect(warnings).toEqual([]);
  });
});

describe("a session that the homeserver ends", () => {
  it("ends once, whoever meets that, and its sync with it", async () => {
    const fake = await startFake();
    const { client, userId } = await logIn(fake, "alice");
    const told = vi.fn();
    client.publisher.subscribe(LoggedOut, told);
    const reached = new Promise<void>((resolve) => {
      fake.intercept("/_matrix/client/v3/sync", () => resolve());
    });
    const syncing = client.sync();
    const refused = expect(syncing).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    await reached;
    fake.logOut(userId);
    const outcomes = await Promise.allSettled([client.whoami(), client.createRoom(), client.whoami()]);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { errcode: "M_UNKNOWN_TOKEN" } });
    await refused;
    expect(told).toHaveBeenCalledTimes(1);
  });

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
    expect([...storage.keys()].filter((key) => key.startsWith("client/"))).toEqual([]);
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

  it("is over when it logs out while the application is asked, whatever that answers", async () => {
    const fake = await startFake();
    const person = await fake.register("alice");
    let answer = (): void => {};
    const asked = vi.fn();
    const logInAgain = (): Promise<Person> =>
      new Promise((resolve) => {
        asked();
        answer = () => resolve(person);
      });
    const client = await openClient(fake, { callbacks: { logInAgain } });
    await client.login(person);
    fake.softLogOut(person.userId);
    const waiting = expect(client.whoami()).rejects.toThrow(NotLoggedInError);
    await vi.waitFor(() => expect(asked).toHaveBeenCalled());
    await client.logout();
    answer();
    await waiting;
    expect(await client.isLoggedIn()).toBe(false);
  });

  it("does not keep a client from closing while the application is asked, nor when that closes it", async () => {
    const fake = await startFake();
    const person = await fake.register("alice");
    const asked = vi.fn();
    const logInAgain = async (): Promise<undefined> => {
      asked();
      await client.close();
      await new Promise(() => {});
    };
    const client = await openClient(fake, { callbacks: { logInAgain } });
    await client.login(person);
    fake.softLogOut(person.userId);
    const syncing = client.sync();
    await expect(client.whoami()).rejects.toThrow(ClientClosedError);
    await syncing;
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("does not move to another device", async () => {
    const fake = await startFake();
    const person = await fake.register("alice");
    const callbacks = { logInAgain: async () => ({ accessToken: await accessTokenOf(fake, person) }) };
    const client = await openClient(fake, { callbacks });
    await client.login(person);
    fake.softLogOut(person.userId);
    await expect(client.whoami()).rejects.toThrow("logInAgain led to");
  });

  it("does not become somebody else's", async () => {
    const fake = await startFake();
    const bob = await fake.register("bob");
    const callbacks = { logInAgain: () => ({ user: bob.user, password: bob.password }) };
    const { client, userId } = await logIn(fake, "alice", { callbacks });
    fake.softLogOut(userId);
    await expect(client.whoami()).rejects.toThrow(`led to "${bob.userId}"`);
  });
});

/** An access token of a user, as another program has one. */
async function accessTokenOf({ url }: { url: string }, { user, password }: Person): Promise<string> {
  const body = JSON.stringify({ type: "m.login.password", identifier: { type: "m.id.user", user }, password });
  const response = await fetch(`${url}/_matrix/client/v3/login`, { method: "POST", body });
  return ((await response.json()) as { access_token: string }).access_token;
}
