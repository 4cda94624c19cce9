import { inspect } from "node:util";
import { memoryStorage, StorageError } from "@mx/storage";
import { describe, expect, it, vi } from "vitest";
import { ClientClosedError, NotLoggedInError } from "./errors.js";
import { LoggedOut } from "./messages.js";
import { accessTokenOf } from "./testing/access-token-of.js";
import { Session } from "./session.js";
import { closing } from "./testing/closing.js";
import { heldStorage } from "./testing/held-storage.js";
import { logIn, openClient, type Person, startFake } from "./testing/homeservers.js";
import { wrappedStorage } from "./testing/wrapped-storage.js";

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

  it("are told apart, also when they are of one user on one device", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const person = await fake.register("alice");
    const credentials = { ...person, deviceId: "PHONE" };
    const first = await openClient(fake, { storage });
    await first.login(credentials);
    const second = await openClient(fake, { storage });
    await second.whoami();
    const reached = new Promise<() => void>((resolve) => {
      const stop = fake.intercept("/_matrix/client/v3/logout", async (_request, _response, pass) => {
        stop();
        await new Promise<void>((go) => resolve(go));
        await pass();
      });
    });
    const slow = first.logout();
    const go = await reached;
    await second.logout();
    await second.login(credentials);
    go();
    await slow;
    expect(await storage.namespace("client").has("session")).toBe(true);
    expect(await second.whoami()).toMatchObject({ deviceId: "PHONE" });
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
    const person = { ...(await fake.register("alice")), deviceId: "PHONE" };
    for (const change of [() => client.login(person), () => client.logout()]) {
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

describe("Session", () => {
  const refreshed = { accessToken: "b", refreshToken: "rb", gotBy: "ra" };

  it("doubts tokens that came from a refresh until they have worked", () => {
    const session = new Session("@alice:fake.test", "PHONE", { accessToken: "a", refreshToken: "ra" });
    expect(session.isDoubtful).toBe(false);
    session.renew(refreshed);
    expect(session.isDoubtful).toBe(true);
    session.prove("a");
    expect(session.isDoubtful).toBe(true);
    session.prove("b");
    expect(session.isDoubtful).toBe(false);
    session.renew({ accessToken: "c", refreshToken: "rc", gotBy: "rb" });
    expect(session.isDoubtful).toBe(true);
  });

  it("is due from the moment on that its tokens name, and again a while after a renewal has failed", () => {
    const session = new Session("@alice:fake.test", "PHONE", { ...refreshed, refreshAt: 1000 });
    expect([session.isDue(999), session.isDue(1000)]).toEqual([false, true]);
    session.postponeRenewal(1000);
    expect([session.isDue(5999), session.isDue(6000)]).toEqual([false, true]);
    session.renew(refreshed);
    expect(session.isDue(1e15)).toBe(false);
  });
});

describe("a session that the homeserver ends", () => {
  it("can be logged out later when the storage has failed", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    let isBroken = false;
    const failing = wrappedStorage(storage, (call, method) =>
      method === "transaction" && isBroken ? Promise.reject(new StorageError("the disk is full")) : call(),
    );
    const { client } = await logIn(fake, "alice", { storage: failing });
    isBroken = true;
    await expect(client.logout()).rejects.toThrow("the disk is full");
    expect(await client.isLoggedIn()).toBe(true);
    isBroken = false;
    await client.logout();
    expect(await client.isLoggedIn()).toBe(false);
    expect(await storage.namespace("client").has("session")).toBe(false);
  });

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
