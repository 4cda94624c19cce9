import { memoryStorage, type Storage, toStorage } from "@mx/storage";
import { faults } from "@mx/testing";
import { describe, expect, it, vi } from "vitest";
import type { Client } from "./client.js";
import { AlreadySyncingError } from "./errors.js";
import { ClientClosed, EventReceived, Invited, LoggedOut, RoomLeft, SyncFailed, TimelineGap } from "./messages.js";
import { describeOnHomeservers, logIn, openClient, startFake } from "./testing/homeservers.js";

/** The texts that a client receives, from now on. */
function textsOf(client: Client): string[] {
  const texts: string[] = [];
  client.publisher.subscribe(EventReceived, ({ event }) => {
    const { body } = event.content;
    if (typeof body === "string") texts.push(body);
  });
  return texts;
}

/** Resolves when a client has received a text. */
async function received(client: Client, text: string): Promise<void> {
  await client.publisher.next(EventReceived, { filter: ({ event }) => event.content["body"] === text });
}

/** Syncs a client whose only room this is until it has received all that is there, and stops. */
async function syncUpToNow(client: Client, roomId: string): Promise<void> {
  const stop = new AbortController();
  const now = received(client, "now").then(() => stop.abort());
  const syncing = client.sync({ signal: stop.signal });
  await client.sendText(roomId, "now");
  await Promise.all([now, syncing]);
}

describeOnHomeservers("Client.sync", (homeserver) => {
  it("publishes what comes, in order, until the client is closed", async () => {
    const alice = await logIn(homeserver, "alice");
    const bob = await logIn(homeserver, "bob");
    const texts = textsOf(bob.client);
    const invited = bob.client.publisher.next(Invited);
    const syncing = bob.client.sync();
    const roomId = await alice.client.createRoom({ invite: [bob.userId] });
    expect((await invited).roomId).toBe(roomId);
    await bob.client.joinRoom(roomId);
    const last = received(bob.client, "7");
    for (const text of ["1", "2", "3", "4", "5", "6", "7"]) await alice.client.sendText(roomId, text);
    await last;
    expect(texts).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
    await bob.client.close();
    await syncing;
  });

  it("waits for a subscriber before it publishes the next event", async () => {
    const { client } = await logIn(homeserver, "alice");
    const roomId = await client.createRoom();
    const log: string[] = [];
    client.publisher.subscribe(EventReceived, async ({ event }) => {
      const body = event.content["body"];
      if (typeof body !== "string") return;
      log.push(`${body} begins`);
      await client.whoami();
      log.push(`${body} ends`);
      if (body === "3") void client.close();
    });
    for (const text of ["1", "2", "3"]) await client.sendText(roomId, text);
    await client.sync();
    expect(log).toEqual(["1 begins", "1 ends", "2 begins", "2 ends", "3 begins", "3 ends"]);
  });

  it("goes on where it was in a later client on the same storage: nothing is missed and nothing comes twice", async () => {
    const storage = memoryStorage();
    const alice = await logIn(homeserver, "alice");
    const bob = await logIn(homeserver, "bob", { storage });
    const roomId = await alice.client.createRoom({ preset: "public_chat" });
    await bob.client.joinRoom(roomId);
    const texts = textsOf(bob.client);
    const syncing = bob.client.sync();
    const here = received(bob.client, "here");
    await alice.client.sendText(roomId, "here");
    await here;
    await bob.client.close();
    await syncing;

    for (const text of ["away 1", "away 2", "away 3"]) await alice.client.sendText(roomId, text);
    const back = await openClient(homeserver, { storage });
    const later = textsOf(back);
    const last = received(back, "away 3");
    void back.sync();
    await last;
    expect([texts, later]).toEqual([["here"], ["away 1", "away 2", "away 3"]]);
  });

  it("tells of events that were left out because there are too many", async () => {
    const storage = memoryStorage();
    const alice = await logIn(homeserver, "alice");
    const bob = await logIn(homeserver, "bob", { storage });
    const roomId = await alice.client.createRoom({ preset: "public_chat" });
    await bob.client.joinRoom(roomId);
    await syncUpToNow(bob.client, roomId);
    for (let index = 0; index < 15; index++) await alice.client.sendText(roomId, `text ${index}`);

    const gap = bob.client.publisher.next(TimelineGap);
    const texts = textsOf(bob.client);
    const last = received(bob.client, "text 14");
    void bob.client.sync();
    await last;
    const { prevBatch } = await gap;
    const path = `v3/rooms/${encodeURIComponent(roomId)}/messages`;
    const query = { dir: "b", from: prevBatch, limit: 15 - texts.length };
    const { chunk } = await bob.client.request("GET", path, { query });
    expect(texts.length).toBeLessThan(15);
    const older = (chunk as { content: { body: string } }[]).map(({ content }) => content.body).toReversed();
    expect([...older, ...texts]).toEqual(Array.from({ length: 15 }, (_, index) => `text ${index}`));
  });

  it("tells of rooms that the user is no longer in", async () => {
    const alice = await logIn(homeserver, "alice");
    const bob = await logIn(homeserver, "bob");
    const roomId = await alice.client.createRoom({ preset: "public_chat" });
    await bob.client.joinRoom(roomId);
    await syncUpToNow(bob.client, roomId);
    const left = bob.client.publisher.next(RoomLeft);
    void bob.client.sync();
    await alice.client.request("POST", `v3/rooms/${encodeURIComponent(roomId)}/kick`, {
      body: { user_id: bob.userId },
    });
    expect((await left).roomId).toBe(roomId);
  });

  it("ends when the client logs out while it waits, and with one LoggedOut", async () => {
    const { client } = await logIn(homeserver, "alice");
    const roomId = await client.createRoom();
    await syncUpToNow(client, roomId);
    const told = vi.fn();
    client.publisher.subscribe(LoggedOut, told);
    const syncing = client.sync();
    await Promise.all([client.logout(), client.logout()]);
    await syncing;
    expect(told).toHaveBeenCalledTimes(1);
  });

  it("ends with the signal that it is given, and can be started again", async () => {
    const { client } = await logIn(homeserver, "alice");
    const roomId = await client.createRoom();
    await syncUpToNow(client, roomId);
    const stop = new AbortController();
    const syncing = client.sync({ signal: stop.signal });
    await expect(client.sync()).rejects.toThrow(AlreadySyncingError);
    stop.abort();
    await syncing;
    expect(await client.isLoggedIn()).toBe(true);
    await syncUpToNow(client, roomId);
  });
});

describe("Client.sync", () => {
  const syncPath = "/_matrix/client/v3/sync";

  const now = 1_000_000;

  /** The clock stands still; waits are over at once, and written down; deadlines are not. */
  function impatient() {
    const waits: number[] = [];
    const setTimeoutNow = (callback: () => void, ms: number): unknown => {
      if (ms >= 30_000) return setTimeout(callback, ms);
      waits.push(ms);
      return setTimeout(callback, 0);
    };
    return { waits, env: { setTimeout: setTimeoutNow, now: () => now, monotonicMs: () => 5 } };
  }

  it.each([
    ["a lost connection", (_: unknown, response: { destroy(): void }) => response.destroy()],
    ["HTML", (_: unknown, response: { end(body: string): void }) => response.end("<h1>502</h1>")],
    ["null", (_: unknown, response: { end(body: string): void }) => response.end("null")],
    ["no next_batch", (_: unknown, response: { end(body: string): void }) => response.end('{"rooms":{}}')],
    [
      "a next_batch that is a number",
      (_: unknown, response: { end(body: string): void }) => response.end('{"next_batch":7}'),
    ],
    [
      "a next_batch that is an object",
      (_: unknown, response: { end(body: string): void }) => response.end('{"next_batch":{"a":1}}'),
    ],
    ["an empty next_batch", (_: unknown, response: { end(body: string): void }) => response.end('{"next_batch":""}')],
  ] as const)("lives through %s, tells when it tries again, and misses nothing (threats 9, 10)", async (_, answer) => {
    const fake = await startFake();
    const storage = memoryStorage();
    const { client } = await logIn(fake, "alice", { storage, env: impatient().env });
    const roomId = await client.createRoom();
    await client.sendText(roomId, "there");
    const failures: SyncFailed[] = [];
    const stop = fake.intercept(syncPath, answer);
    client.publisher.subscribe(SyncFailed, (failure) => {
      failures.push(failure);
      if (failures.length === 3) stop();
    });
    const there = received(client, "there");
    void client.sync();
    await there;
    expect(failures.map(({ error }) => error.name)).toEqual(["ConnectionError", "ConnectionError", "ConnectionError"]);
    for (const { retryAt } of failures) expect(retryAt).toBeGreaterThan(now);
  });

  it("waits for as long as a rate limit asks", async () => {
    const fake = await startFake();
    const { env, waits } = impatient();
    const { client } = await logIn(fake, "alice", { env });
    await client.createRoom();
    const stop = fake.intercept(syncPath, (_, response) => {
      stop();
      response.writeHead(429, { "retry-after": "17" }).end('{"errcode":"M_LIMIT_EXCEEDED"}');
    });
    const first = client.publisher.next(EventReceived);
    void client.sync();
    await first;
    expect(waits).toContain(17_000);
  });

  it("comes back after five minutes, however long it is asked to wait (threat 8)", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice", { env: impatient().env });
    fake.intercept(syncPath, faults.rateLimited({ retryAfter: "1000000000000" }));
    const failed = client.publisher.next(SyncFailed);
    const syncing = client.sync();
    expect((await failed).retryAt).toBe(now + 300_000);
    await client.close();
    await syncing;
  });

  it("waits as long as it should when the clock is set meanwhile (threat 28)", async () => {
    const fake = await startFake();
    const { env, waits } = impatient();
    let day = 0;
    const { client } = await logIn(fake, "alice", { env: { ...env, now: () => now + (day -= 30) * 86_400_000 } });
    fake.intercept(syncPath, (_, response) => {
      if (waits.length === 3) void client.close();
      response.end('{"next_batch":"same"}');
    });
    await client.sync();
    expect(waits.slice(0, 3)).toEqual([200, 200, 200]);
  });

  it("keeps a session that is locked, asks seldom, and goes on when it is unlocked (threat 26)", async () => {
    const fake = await startFake();
    // The pause is over at once; a deadline is not.
    const isPause = (ms: number): boolean => ms > 59_000 && ms <= 60_000;
    const env = {
      setTimeout: (callback: () => void, ms: number) =>
        setTimeout(callback, isPause(ms) && fake.requests.at(-1)?.path === syncPath ? 0 : ms),
      now: () => now,
    };
    const { client, userId } = await logIn(fake, "alice", { env });
    await client.createRoom();
    fake.lockUser(userId);
    const failed = client.publisher.next(SyncFailed);
    const first = client.publisher.next(EventReceived);
    const syncing = client.sync();
    const { error, retryAt } = await failed;
    expect(error).toMatchObject({ errcode: "M_USER_LOCKED" });
    expect(retryAt).toBe(now + 60_000);
    fake.unlockUser(userId);
    await first;
    expect(await client.isLoggedIn()).toBe(true);
    await client.close();
    await syncing;
  });

  it("rejects when the homeserver refuses for good", async () => {
    const fake = await startFake();
    const { client, userId } = await logIn(fake, "alice");
    fake.logOut(userId);
    await expect(client.sync()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    expect(await client.isLoggedIn()).toBe(false);
  });

  it("asks a homeserver five times a second at most when it answers at once that nothing is new (threat 7)", async () => {
    const fake = await startFake();
    const { env, waits } = impatient();
    const { client } = await logIn(fake, "alice", { env });
    let answers = 0;
    fake.intercept(syncPath, (_, response) => {
      if (++answers === 5) void client.close();
      response.end(`{"next_batch":"${answers < 3 ? "same" : answers}"}`);
    });
    await client.sync();
    expect(waits.filter((ms) => ms === 200).length).toBeGreaterThanOrEqual(3);
  });

  it("waits longer each time, also when it is asked not to wait at all (threat 8)", async () => {
    const fake = await startFake();
    const { env, waits } = impatient();
    const { client } = await logIn(fake, "alice", { env });
    fake.intercept(syncPath, (_, response) => {
      response.writeHead(429, { "retry-after": "0" }).end('{"errcode":"M_LIMIT_EXCEEDED"}');
    });
    client.publisher.subscribe(SyncFailed, () => {
      if (waits.length === 3) void client.close();
    });
    await client.sync();
    const [first = 0, second = 0, third = 0] = waits;
    expect(first).toBeGreaterThanOrEqual(250);
    expect(second).toBeGreaterThanOrEqual(500);
    expect(third).toBeGreaterThanOrEqual(1000);
  });

  it("gives up on an answer that is larger than it may be", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    await client.createRoom();
    await expect(client.sync({ maxBodyBytes: 100 })).rejects.toThrow("larger than 100 bytes");
  });

  it("has stored, at every moment, a place from which nothing is missed", async () => {
    const fake = await startFake();
    const storage = new Map<string, unknown>();
    const { client } = await logIn(fake, "alice", { storage });
    const roomId = await client.createRoom();
    const crashes: Map<string, unknown>[] = [];
    const texts = ["1", "2", "3", "4", "5"];
    client.publisher.subscribe(EventReceived, async ({ event }) => {
      crashes.push(new Map(storage)); // what a process that is killed here leaves behind
      const { body } = event.content;
      if (typeof body === "string" || event.type === "m.room.guest_access") {
        const next = texts[texts.findIndex((text) => text === body) + 1];
        if (next) await client.sendText(roomId, next);
        else void client.close();
      }
    });
    await client.sync();
    expect(crashes.length).toBeGreaterThan(10);
    for (const [index, left] of crashes.entries()) {
      const later = await openClient(fake, { storage: left });
      const again = textsOf(later);
      const last = received(later, "5");
      void later.sync();
      await last;
      // The first events are those that make the room; a crash while one was handled brings at least that one again.
      const missing = texts.slice(Math.max(0, texts.length - (crashes.length - index)));
      expect(again.slice(-missing.length)).toEqual(missing.slice(-again.length));
      expect(again.length).toBeGreaterThanOrEqual(missing.length);
    }
  });

  it("publishes an event of each room, also when two have the same ID", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const event = { type: "m.x", event_id: "$same", sender: "@a:b", origin_server_ts: 1, content: {} };
    const timeline = { events: [event] };
    const answer = { next_batch: "n", rooms: { join: { "!1:x": { timeline }, "!2:x": { timeline } } } };
    fake.intercept(syncPath, (_, response) => void response.end(JSON.stringify(answer)));
    const rooms: string[] = [];
    client.publisher.subscribe(EventReceived, ({ roomId }) => {
      if (rooms.push(roomId) === 2) void client.close();
    });
    await client.sync();
    expect(rooms).toEqual(["!1:x", "!2:x"]);
  });

  it("does not publish again what was handled before it was stopped, of whatever kind", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const { client } = await logIn(fake, "alice", { storage });
    const bob = await logIn(fake, "bob");
    const invitation = await bob.client.createRoom({ invite: [await client.whoami().then(({ userId }) => userId)] });
    const roomId = await client.createRoom();
    for (const text of ["1", "2", "3"]) await client.sendText(roomId, text);
    const first: string[] = [];
    client.publisher.subscribe(Invited, (invited) => void first.push(invited.roomId));
    client.publisher.subscribe(EventReceived, async ({ event }) => {
      const { body } = event.content;
      if (typeof body !== "string") return;
      first.push(body);
      if (body === "2") await client.close();
    });
    await client.sync();
    expect(first).toEqual([invitation, "1", "2"]);

    const later = await openClient(fake, { storage });
    const again = textsOf(later);
    later.publisher.subscribe(Invited, (invited) => void again.push(invited.roomId));
    const last = received(later, "3");
    void later.sync();
    await last;
    expect(again).toEqual(["3"]);
  });

  it("lets a subscriber close the client that it is told by, and closes the storage when that is stored", async () => {
    const fake = await startFake();
    const content = new Map<string, unknown>();
    const opened = vi.fn((): Storage => toStorage(content));
    const { client } = await logIn(fake, "alice", { storage: opened });
    const roomId = await client.createRoom();
    await client.sendText(roomId, "!quit");
    client.publisher.subscribe(EventReceived, async ({ event }) => {
      if (event.content["body"] === "!quit") await client.close();
    });
    await client.sync();
    await expect(opened.mock.results[0]?.value.get("x")).rejects.toMatchObject({ name: "StorageError" });
    // It was the last event of all: the place after it is stored.
    expect(content.get("client/=sync")).toEqual({ nextBatch: expect.any(String) as string, handled: [] });
  });

  it.each([
    ["SyncFailed", SyncFailed],
    ["LoggedOut", LoggedOut],
  ])("lets a subscriber of %s await the client's close", async (_name, type) => {
    const fake = await startFake();
    const { client, userId } = await logIn(fake, "alice");
    client.publisher.subscribe(type as typeof SyncFailed, () => client.close());
    if (type === LoggedOut) fake.logOut(userId);
    else fake.intercept(syncPath, (_, response) => void response.destroy());
    const closed = client.publisher.next(ClientClosed);
    const syncing = client.sync();
    await closed;
    if (type === LoggedOut) await expect(syncing).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    else await syncing;
  });

  it("ends quietly when another client that shares the storage logs out, and tells of it", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const { client } = await logIn(fake, "alice", { storage });
    const other = await openClient(fake, { storage });
    const told = vi.fn();
    client.publisher.subscribe(LoggedOut, told);
    const reached = new Promise<() => void>((resolve) => {
      fake.intercept(syncPath, (_, response) => resolve(() => response.end('{"next_batch":"s2"}')));
    });
    const syncing = client.sync();
    const answer = await reached;
    await other.logout();
    answer();
    await syncing;
    expect(told).toHaveBeenCalledTimes(1);
    expect(await client.isLoggedIn()).toBe(false);
  });

  it("ends quietly when the client logs out, also when the homeserver refuses the token before it answers that", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const held = new Promise<() => void>((resolve) => {
      fake.intercept(syncPath, (_, response) => {
        const refusal = '{"errcode":"M_UNKNOWN_TOKEN","error":"gone","soft_logout":false}';
        resolve(() => response.writeHead(401).end(refusal));
      });
    });
    const told = client.publisher.next(LoggedOut);
    const syncing = client.sync();
    const refuse = await held;
    fake.intercept("/_matrix/client/v3/logout", async (_request, _response, pass) => {
      refuse();
      await told;
      await pass();
    });
    await client.logout();
    await syncing;
  });

  it("ends when the client logs out, and stores nothing of the session that was", async () => {
    const fake = await startFake();
    const storage = new Map<string, unknown>();
    const { client } = await logIn(fake, "alice", { storage });
    await client.createRoom();
    client.publisher.subscribe(EventReceived, () => client.logout(), { once: true });
    await client.sync();
    expect([...storage.keys()].filter((key) => key.startsWith("client/"))).toEqual([]);
  });
});
