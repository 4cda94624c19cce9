import { randomBytes } from "node:crypto";
import { memoryStorage } from "@mx/storage";
import type { RecordedRequest } from "@mx/testing";
import { describe, expect, it, vi } from "vitest";
import type { Callbacks } from "./callbacks.js";
import { AlreadyLoggedInError, ClientClosedError, ConnectionError } from "./errors.js";
import { LoggedIn } from "./messages.js";
import { devicesOf } from "./testing/devices-of.js";
import { describeOnHomeservers, logIn, openClient, startFake } from "./testing/homeservers.js";

function newName(): string {
  return `alice-${randomBytes(6).toString("hex")}`;
}

describeOnHomeservers("Client.register", (homeserver) => {
  it("makes a user, and logs in with a device that is stored; without a callback where the dummy stage does", async () => {
    const storage = memoryStorage();
    const client = await openClient(homeserver, { storage });
    const told: object[] = [];
    client.publisher.subscribe(LoggedIn, (message) => told.push(message));
    const user = newName();
    const password = randomBytes(8).toString("hex");
    const identity = await client.register({ user, password, deviceName: "Alice's phone" });
    expect(identity.userId).toMatch(new RegExp(`^@${user}:`));
    expect(identity.deviceId).toMatch(/^[A-Z]{10}$/);
    expect(told).toEqual([new LoggedIn(identity.userId, identity.deviceId)]);
    expect(await storage.namespace("client").get("session")).toMatchObject({
      refreshToken: expect.any(String) as string,
    });
    expect(await storage.namespace("client").has("reservedDevice")).toBe(false);
    await client.close();
    const later = await openClient(homeserver, { storage });
    expect(await later.whoami()).toEqual(identity);
    const other = await openClient(homeserver);
    expect(await other.login({ user, password, deviceId: "OTHER" })).toMatchObject({ deviceId: "OTHER" });
  });

  it("lets the homeserver choose a name, and the caller a device", async () => {
    const client = await openClient(homeserver);
    const identity = await client.register({ password: randomBytes(8).toString("hex"), deviceId: "PHONE" });
    expect(identity.deviceId).toBe("PHONE");
    expect(await client.whoami()).toEqual(identity);
  });

  it("rejects when the name is taken, and leaves nothing behind", async () => {
    const { user } = await homeserver.register("alice");
    const storage = memoryStorage();
    const client = await openClient(homeserver, { storage });
    await expect(client.register({ user, password: "x" })).rejects.toMatchObject({ errcode: "M_USER_IN_USE" });
    expect(await client.isLoggedIn()).toBe(false);
    expect(await storage.namespace("client").has("reservedDevice")).toBe(false);
  });

  it("is nothing for a client that has a session", async () => {
    const { client } = await logIn(homeserver, "alice");
    await expect(client.register({ user: newName(), password: "x" })).rejects.toThrow(AlreadyLoggedInError);
  });
});

function authOf(request: RecordedRequest | undefined): Record<string, unknown> | undefined {
  return (request?.body as { auth?: Record<string, unknown> } | undefined)?.auth;
}

describe("Client.register", () => {
  const registerPath = "/_matrix/client/v3/register";

  it.each([
    [null, "the options are not an object"],
    ["secret", "the options are not an object"],
    [{ user: "" }, '"user" is empty'],
    [{ user: 7, password: "secret" }, '"user" is not a string'],
    [{ user: "alice", password: ["secret"] }, '"password" is not a string'],
    [{ deviceId: "" }, '"deviceId" is empty'],
    [{ deviceName: {} }, '"deviceName" is not a string'],
  ])("refuses %j before anything is asked, without saying a secret", async (options, found) => {
    const fake = await startFake();
    const client = await openClient(fake);
    const before = fake.requests.length;
    const error: unknown = await client.register(options as never).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(found);
    expect((error as Error).message).not.toContain("secret");
    expect(fake.requests).toHaveLength(before);
  });

  it("asks the application for what the homeserver wants to know, of nobody yet", async () => {
    const fake = await startFake();
    const asks = { session: "S", flows: [{ stages: ["m.login.registration_token", "m.login.dummy"] }], params: {} };
    const removed = fake.intercept(registerPath, async (_, response, pass) => {
      const type = authOf(fake.requests.at(-1))?.["type"];
      const completed = type === "m.login.registration_token" ? ["m.login.registration_token"] : [];
      if (type !== "m.login.dummy") {
        response.writeHead(401).end(JSON.stringify({ ...asks, completed }));
        return;
      }
      removed();
      await pass();
    });
    const authenticate = vi.fn<NonNullable<Callbacks["authenticate"]>>(() => ({
      type: "m.login.registration_token",
      token: "friend",
    }));
    const client = await openClient(fake, { callbacks: { authenticate } });
    await client.register({ user: "alice", password: "x" }).catch(() => undefined);
    const challenges = authenticate.mock.calls.map(([challenge]) => challenge);
    expect(challenges).toMatchObject([{ method: "POST", endpoint: "v3/register", userId: undefined, completed: [] }]);
    const auths = fake.requests.filter(({ path }) => path === registerPath).map(authOf);
    expect(auths).toEqual([
      undefined,
      { type: "m.login.registration_token", token: "friend", session: "S" },
      { type: "m.login.dummy", session: "S" },
    ]);
  });

  it("is not confused by a short password that is in the ID of the authentication", async () => {
    const fake = await startFake();
    const asks = { session: "abcab", flows: [{ stages: ["m.login.dummy"] }], params: {} };
    const removed = fake.intercept(registerPath, (_, response) => {
      removed();
      response.writeHead(401).end(JSON.stringify(asks));
    });
    const client = await openClient(fake);
    await client.register({ user: "alice", password: "a" }).catch(() => undefined);
    expect(fake.requests.at(-1)?.body).toMatchObject({ auth: { session: "abcab" } });
  });

  it("rejects with the refusal when the application gives up", async () => {
    const fake = await startFake();
    const asks = { session: "S", flows: [{ stages: ["m.login.recaptcha"] }], params: {} };
    fake.intercept(registerPath, (_, response) => void response.writeHead(401).end(JSON.stringify(asks)));
    const storage = memoryStorage();
    for (const callbacks of [{}, { authenticate: () => undefined }]) {
      const client = await openClient(fake, { storage, callbacks });
      await expect(client.register({ user: "alice" })).rejects.toMatchObject({ name: "MatrixError", status: 401 });
      expect(await storage.namespace("client").has("reservedDevice")).toBe(false);
    }
  });

  it("does not keep a client from closing while the application is asked", async () => {
    const fake = await startFake();
    const bob = await fake.register("bob");
    const asks = { session: "S", flows: [{ stages: ["m.login.recaptcha"] }], params: {} };
    fake.intercept(registerPath, (_, response) => void response.writeHead(401).end(JSON.stringify(asks)));
    const storage = memoryStorage();
    const authenticate = vi.fn(() => new Promise<undefined>(() => {}));
    const client = await openClient(fake, { storage, callbacks: { authenticate } });
    const rejected = expect(client.register({ user: "alice" })).rejects.toThrow(ClientClosedError);
    await vi.waitFor(() => expect(authenticate).toHaveBeenCalled());
    await client.close();
    await rejected;
    // Nobody waits for its lease.
    const later = await openClient(fake, { storage });
    await later.login(bob);
  });

  it("leaves no device behind when its answer is lost: the login of the new user takes it", async () => {
    const fake = await startFake();
    const client = await openClient(fake);
    const removed = fake.intercept(registerPath, async (request, response, pass, behind) => {
      if (!authOf(fake.requests.at(-1))) return pass();
      removed();
      await behind.process();
      request.destroy();
      response.destroy();
    });
    await expect(client.register({ user: "alice", password: "x" })).rejects.toThrow(ConnectionError);
    const { deviceId } = await client.login({ user: "alice", password: "x" });
    expect(await devicesOf(client)).toEqual([deviceId]);
  });

  it("takes an answer without a session for none (threat 9)", async () => {
    const fake = await startFake();
    fake.intercept(registerPath, (_, response) => void response.end('{"user_id":"@alice:fake.test"}'));
    const client = await openClient(fake);
    await expect(client.register({ user: "alice" })).rejects.toThrow(ConnectionError);
    expect(await client.isLoggedIn()).toBe(false);
  });
});
