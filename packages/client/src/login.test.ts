import { memoryStorage, type Storage, type Transaction } from "@mx/storage";
import { faults } from "@mx/testing";
import { describe, expect, it, vi } from "vitest";
import { AlreadyLoggedInError, ClientClosedError, ConnectionError } from "./errors.js";
import { LoggedIn } from "./messages.js";
import { accessTokenOf } from "./testing/access-token-of.js";
import { devicesOf } from "./testing/devices-of.js";
import { describeOnHomeservers, logIn, openClient, startFake } from "./testing/homeservers.js";

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
    expect([...storage.keys()].filter((key) => key.startsWith("client/"))).toEqual(["client/=homeserver"]);
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

  it("takes an identifier in the specification's spelling", async () => {
    const { user, userId, password } = await homeserver.register("alice");
    const client = await openClient(homeserver);
    const identity = await client.login({ identifier: { type: "m.id.user", user }, password });
    expect(identity.userId).toBe(userId);
    for (const identifier of [
      { type: "m.id.thirdparty", medium: "email", address: "nobody@example.org" },
      { type: "m.id.phone", country: "GB", phone: "7700900000" },
    ] as const) {
      const other = await openClient(homeserver);
      await expect(other.login({ identifier, password })).rejects.toMatchObject({ name: "MatrixError" });
      expect(await other.isLoggedIn()).toBe(false);
    }
  });

  it("takes a login token, which is good once", async () => {
    const { client, userId, password } = await logIn(homeserver, "alice");
    const { login_token: token } = await client.request<{ login_token: string }>("POST", "v1/login/get_token", {
      body: {
        auth: { type: "m.login.password", identifier: { type: "m.id.user", user: userId }, password },
      },
    });
    const [other, third] = [await openClient(homeserver), await openClient(homeserver)];
    expect(await other.login({ token })).toMatchObject({ userId });
    expect(await other.whoami()).toMatchObject({ userId });
    await expect(third.login({ token })).rejects.toMatchObject({ errcode: "M_FORBIDDEN" });
  });

  it("goes on with a refresh token that the user has", async () => {
    const storage = new Map<string, unknown>();
    const { client, ...person } = await logIn(homeserver, "alice", { storage });
    const { accessToken, refreshToken } = storage.get("client/=session") as Record<string, string>;
    await client.close();
    const other = await openClient(homeserver);
    const given = await other.login({ accessToken: accessToken ?? "", refreshToken: refreshToken ?? "" });
    expect(given.userId).toBe(person.userId);
    expect(await other.whoami()).toEqual(given);
  });

  it("chooses a device ID of its own, ten capital letters, another one each time", async () => {
    const person = await homeserver.register("alice");
    const first = await (await openClient(homeserver)).login(person);
    const second = await (await openClient(homeserver)).login(person);
    for (const { deviceId } of [first, second]) expect(deviceId).toMatch(/^[A-Z]{10}$/);
    expect(first.deviceId).not.toBe(second.deviceId);
  });
});

describe("Client.login", () => {
  it("says that the outcome is unknown when the answer has no access token", async () => {
    const fake = await startFake();
    const client = await openClient(fake);
    fake.intercept(/login|register/, faults.answerWith(200, '{"user_id":"@alice:fake.test","device_id":"D"}'));
    for (const call of [
      () => client.login({ user: "alice", password: "x" }),
      () => client.register({ user: "alice" }),
    ]) {
      await expect(call()).rejects.toMatchObject({ name: "ConnectionError", outcomeUnknown: true });
    }
  });

  it.each([
    [{}, '"user" is not a string'],
    [{ user: "alice" }, '"password" is not a string'],
    [{ user: "", password: "x" }, '"user" is empty'],
    [{ user: 7, password: "secret-x" }, '"user" is not a string'],
    [{ token: "" }, '"token" is empty'],
    [{ accessToken: 9 }, '"accessToken" is not a string'],
    [{ accessToken: "syt_secret\n" }, '"accessToken" holds a space, a line break or worse'],
    [{ accessToken: "syt_x", refreshToken: "syr_secret 2" }, '"refreshToken" holds a space, a line break or worse'],
    [{ identifier: "secret", password: "x" }, '"identifier" is not an object'],
    [{ identifier: { type: "secret" }, password: "x" }, '"identifier.type" is none of m.id.user, m.id.thirdparty'],
    [{ identifier: { type: "m.id.user" }, password: "x" }, '"identifier.user" is not a string'],
    [
      { identifier: { type: "m.id.thirdparty", medium: "email", address: "" }, password: "x" },
      '"identifier.address" is empty',
    ],
    [{ identifier: { type: "m.id.phone", phone: "secret" }, password: "x" }, '"identifier.country" is not a string'],
    [{ identifier: { type: "m.id.user", user: "alice" } }, '"password" is not a string'],
    [{ user: "alice", password: "secret", deviceId: "" }, '"deviceId" is empty'],
    [{ token: "secret", deviceName: 7 }, '"deviceName" is not a string'],
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
  ])("takes %s with status 200 for no login (threat 9)", async (_, body) => {
    const fake = await startFake();
    const storage = new Map<string, unknown>();
    const client = await openClient(fake, { storage });
    fake.intercept("/_matrix/client/v3/login", (_request, response) => void response.end(body));
    await expect(client.login({ user: "alice", password: "x" })).rejects.toThrow(ConnectionError);
    expect(await client.isLoggedIn()).toBe(false);
    expect(storage.has("client/=session")).toBe(false);
  });

  it("does not follow a redirect: neither the password nor a token goes elsewhere (threat 1)", async () => {
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

  it("is made one at a time", async () => {
    const fake = await startFake();
    const client = await openClient(fake);
    const [alice, bob] = [await fake.register("alice"), await fake.register("bob")];
    const [first, second] = await Promise.allSettled([client.login(alice), client.login(bob)]);
    expect(first.status).toBe("fulfilled");
    expect(second).toMatchObject({ status: "rejected", reason: { name: "AlreadyLoggedInError" } });
    expect(await client.whoami()).toMatchObject({ userId: alice.userId });
  });
});

describe("the device of a login", () => {
  const loginPath = "/_matrix/client/v3/login";

  it("is taken again when the answer was lost, by the same user however they are called", async () => {
    const fake = await startFake();
    const person = await fake.register("alice");
    const storage = memoryStorage();
    const client = await openClient(fake, { storage });
    const lose = fake.intercept(loginPath, async (request, _response, _pass, behind) => {
      await behind.process();
      request.destroy();
    });
    for (const user of [person.userId, person.user.toUpperCase()]) {
      await expect(client.login({ user, password: person.password })).rejects.toThrow(ConnectionError);
    }
    lose();
    await client.close();
    const later = await openClient(fake, { storage });
    const { deviceId } = await later.login(person);
    expect(await devicesOf(later)).toEqual([deviceId]);
  });

  it("stays reserved when the homeserver refuses a later attempt, also that of somebody else", async () => {
    const fake = await startFake();
    const person = await fake.register("alice");
    const client = await openClient(fake);
    const lose = fake.intercept(loginPath, async (request, _response, _pass, behind) => {
      await behind.process();
      request.destroy();
    });
    await expect(client.login(person)).rejects.toThrow(ConnectionError);
    lose();
    for (const wrong of [
      { user: person.user, password: "wrong" },
      { user: "nobody", password: "wrong" },
    ]) {
      await expect(client.login(wrong)).rejects.toMatchObject({ errcode: "M_FORBIDDEN" });
    }
    const { deviceId } = await client.login(person);
    expect(await devicesOf(client)).toEqual([deviceId]);
  });

  it("is not somebody else's", async () => {
    const fake = await startFake();
    const [alice, bob] = [await fake.register("alice"), await fake.register("bob")];
    const client = await openClient(fake);
    const hang = fake.intercept(loginPath, (request) => void request.destroy());
    await expect(client.login(alice)).rejects.toThrow(ConnectionError);
    hang();
    await client.login(bob);
    const asked = fake.requests.filter(({ path, method }) => path === loginPath && method === "POST");
    const ids = asked.map(({ body }) => (body as { device_id?: string }).device_id);
    expect(new Set(ids).size).toBe(2);
  });

  it("is left to the application when that names one", async () => {
    const fake = await startFake();
    const person = await fake.register("alice");
    const storage = new Map<string, unknown>();
    const client = await openClient(fake, { storage });
    const hang = fake.intercept(loginPath, (request) => void request.destroy());
    await expect(client.login({ ...person, deviceId: "PHONE" })).rejects.toThrow(ConnectionError);
    hang();
    expect(storage.has("client/=reservedDevice")).toBe(false);
    const { deviceId } = await client.login(person);
    expect(deviceId).toMatch(/^[A-Z]{10}$/);
  });

  it("is ended again, and forgotten, when the session cannot be stored", async () => {
    const fake = await startFake();
    const person = await fake.register("alice");
    const content = memoryStorage();
    const client = await openClient(fake, { storage: failingToStoreSessions(content) });
    await expect(client.login(person)).rejects.toThrow("disk full");
    expect(await client.isLoggedIn()).toBe(false);
    expect(fake.requests.at(-1)?.path).toBe("/_matrix/client/v3/logout");
    expect(await content.namespace("client").has("reservedDevice")).toBe(false);
  });

  it("stays reserved when the session can neither be stored nor ended", async () => {
    const fake = await startFake();
    const person = await fake.register("alice");
    const storage = memoryStorage();
    const client = await openClient(fake, { storage: failingToStoreSessions(storage) });
    fake.intercept("/_matrix/client/v3/logout", (request) => void request.destroy());
    await expect(client.login(person)).rejects.toThrow("disk full");
    const later = await openClient(fake, { storage });
    const { deviceId } = await later.login(person);
    expect(await devicesOf(later)).toEqual([deviceId]);
  });
});

describe("clients that share a storage", () => {
  it("log in once: the others find the session, ask nobody, and have it", async () => {
    const fake = await startFake();
    const person = await fake.register("alice");
    const storage = memoryStorage();
    const clients = await Promise.all(Array.from({ length: 4 }, () => openClient(fake, { storage })));
    const told = vi.fn();
    for (const client of clients) client.publisher.subscribe(LoggedIn, told);
    const outcomes = await Promise.allSettled(clients.map((client) => client.login(person)));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(AlreadyLoggedInError);
    }
    expect(fake.requests.filter(({ path }) => path === "/_matrix/client/v3/login")).toHaveLength(1);
    expect(told).toHaveBeenCalledTimes(1);
    const identities = await Promise.all(clients.map((client) => client.whoami()));
    expect(new Set(identities.map(({ deviceId }) => deviceId)).size).toBe(1);
  });

  it("do not take up a session at another homeserver", async () => {
    const [fake, other] = [await startFake(), await startFake()];
    const storage = memoryStorage();
    const client = await openClient(fake, { storage });
    await client.url("versions");
    const moved = await openClient(other, { storage });
    await moved.login(await other.register("alice"));
    await expect(client.login(await fake.register("alice"))).rejects.toThrow(AlreadyLoggedInError);
    expect(await client.isLoggedIn()).toBe(false);
  });

  it("leave a device alone that another one has come to use while they were away", async () => {
    const fake = await startFake();
    const person = { ...(await fake.register("alice")), deviceId: "PHONE" };
    const storage = memoryStorage();
    const slow = await openClient(fake, { storage: withShortLeases(storage) });
    const other = await openClient(fake, { storage });
    const removed = fake.intercept("/_matrix/client/v3/login", async (_request, _response, _pass, behind) => {
      removed();
      await behind.process();
      // Ends all leases, as being away for longer than they last does.
      await storage.clear();
      await other.login(person);
    });
    await expect(slow.login(person)).rejects.toMatchObject({ code: "lease-lost" });
    await vi.waitFor(async () => expect(await other.isLoggedIn()).toBe(true));
    expect(await other.whoami()).toMatchObject({ deviceId: "PHONE" });
    expect(fake.requests.map(({ path }) => path)).not.toContain("/_matrix/client/v3/logout");
  });

  it("leave it alone also when they cannot store, and have not noticed yet that they were away", async () => {
    const fake = await startFake();
    const person = { ...(await fake.register("alice")), deviceId: "PHONE" };
    const storage = memoryStorage();
    const slow = await openClient(fake, { storage: failingToStoreSessions(storage) });
    const other = await openClient(fake, { storage });
    const removed = fake.intercept("/_matrix/client/v3/login", async (_request, _response, pass) => {
      removed();
      await storage.clear();
      await other.login(person);
      await pass();
    });
    await expect(slow.login(person)).rejects.toThrow("disk full");
    expect(fake.requests.map(({ path }) => path)).not.toContain("/_matrix/client/v3/logout");
  });

  it("leave it alone also when another one is about to use it", async () => {
    const fake = await startFake();
    const person = { ...(await fake.register("alice")), deviceId: "PHONE" };
    const storage = memoryStorage();
    const [slow, other] = [await openClient(fake, { storage }), await openClient(fake, { storage })];
    await other.url("versions");
    let [goOn, later] = [(): void => {}, Promise.resolve<unknown>(undefined)];
    fake.intercept("/_matrix/client/v3/login", async (_request, _response, pass) => {
      const isFirst = fake.requests.filter(({ path }) => path.endsWith("/login")).length === 1;
      await new Promise<void>((resolve) => {
        if (isFirst) void storage.clear().then(() => (later = other.login(person)));
        else goOn();
        goOn = resolve;
      });
      await pass();
    });
    await expect(slow.login(person)).rejects.toMatchObject({ code: "lease-lost" });
    goOn();
    await later;
    expect(await other.whoami()).toMatchObject({ deviceId: "PHONE" });
    expect(fake.requests.map(({ path }) => path)).not.toContain("/_matrix/client/v3/logout");
  });

  it("wait for each other no longer than until they are closed", async () => {
    const fake = await startFake();
    const person = await fake.register("alice");
    const storage = memoryStorage();
    await storage.namespace("client").lease("login");
    const client = await openClient(fake, { storage });
    const waiting = client.login(person);
    await client.url("versions");
    await client.close();
    await expect(waiting).rejects.toThrow(ClientClosedError);
  });
});

/** A storage that keeps everything but sessions. */
function failingToStoreSessions(storage: Storage): Storage {
  return wrapped(storage, (inner) => ({
    async transaction(change, options) {
      const keys: string[] = [];
      const tried = { get: async () => undefined, set: (key: string) => keys.push(key), clear() {}, delete() {} };
      await change(tried as unknown as Transaction);
      if (keys.includes("session")) throw new Error("disk full");
      return inner.transaction(change, options);
    },
  }));
}

/** A storage whose leases are renewed all the time, so that their loss is noticed at once. */
function withShortLeases(storage: Storage): Storage {
  return wrapped(storage, (inner) => ({ lease: (name, options) => inner.lease(name, { ...options, ttlMs: 60 }) }));
}

/** A storage that does some things in its own way, in its namespaces too. */
function wrapped(storage: Storage, own: (inner: Storage) => Partial<Storage>): Storage {
  return new Proxy(storage, {
    get(target, name) {
      if (name === "namespace") return (child: string) => wrapped(target.namespace(child), own);
      const value: unknown = Reflect.get(own(target), name) ?? Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
