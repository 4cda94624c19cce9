import { describe, expect, it } from "vitest";
import type { Client } from "./client.js";
import type { JsonObject } from "./json.js";
import { describeOnHomeservers, logIn, startFake } from "./testing/homeservers.js";

async function eventOf(client: Client, roomId: string, eventId: string): Promise<JsonObject> {
  return client.request("GET", `v3/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(eventId)}`);
}

async function textsIn(client: Client, roomId: string): Promise<unknown[]> {
  const query = { dir: "f", limit: 1000, filter: '{"types":["m.room.message"]}' };
  const { chunk } = await client.request("GET", `v3/rooms/${encodeURIComponent(roomId)}/messages`, { query });
  return (chunk as { content: { body: unknown } }[]).map(({ content }) => content.body);
}

describeOnHomeservers("sending", (homeserver) => {
  it("sends a text and resolves with the ID of its event", async () => {
    const { client, userId } = await logIn(homeserver, "alice");
    const roomId = await client.createRoom();
    const eventId = await client.sendText(roomId, "Grüße 👋\n");
    expect(await eventOf(client, roomId, eventId)).toMatchObject({
      type: "m.room.message",
      sender: userId,
      content: { msgtype: "m.text", body: "Grüße 👋\n" },
    });
  });

  it("sends events of any type", async () => {
    const { client } = await logIn(homeserver, "alice");
    const roomId = await client.createRoom();
    const eventId = await client.sendEvent(roomId, "org.example/odd type?", { deep: [{ a: null }] });
    expect(await eventOf(client, roomId, eventId)).toMatchObject({
      type: "org.example/odd type?",
      content: { deep: [{ a: null }] },
    });
  });

  it("sets the state of a room, with an empty key and with another", async () => {
    const { client, userId } = await logIn(homeserver, "alice");
    const roomId = await client.createRoom({ name: "Lobby", topic: "Waiting" });
    const id = encodeURIComponent(roomId);
    expect(await client.request("GET", `v3/rooms/${id}/state/m.room.name`)).toEqual({ name: "Lobby" });
    const eventId = await client.sendStateEvent(roomId, "m.room.name", "", { name: "Hall" });
    expect(await eventOf(client, roomId, eventId)).toMatchObject({ state_key: "", content: { name: "Hall" } });
    await client.sendStateEvent(roomId, "org.example", `a/b ${userId}`, { x: 1 });
    const path = `v3/rooms/${id}/state/org.example/${encodeURIComponent(`a/b ${userId}`)}`;
    expect(await client.request("GET", path)).toEqual({ x: 1 });
  });

  it("sends once what is sent twice with one transaction ID", async () => {
    const { client } = await logIn(homeserver, "alice");
    const roomId = await client.createRoom();
    const options = { transactionId: "answer to $abc" };
    const first = await client.sendText(roomId, "once", options);
    expect(await client.sendText(roomId, "once", options)).toBe(first);
    expect(await textsIn(client, roomId)).toEqual(["once"]);
  });

  it("refuses, before anything is sent, what cannot be right", async () => {
    const { client } = await logIn(homeserver, "alice");
    const roomId = await client.createRoom();
    await expect(client.sendText("#lobby:example.org", "x")).rejects.toThrow("joinRoom() resolves an alias");
    await expect(client.sendText(roomId, undefined as never)).rejects.toThrow("it is undefined, not a string");
    for (const content of [undefined, null, "text", []]) {
      await expect(client.sendEvent(roomId, "m.x", content as never)).rejects.toThrow("the content is not an object");
    }
  });

  it("gives up with its signal, and goes on with the next", async () => {
    const { client } = await logIn(homeserver, "alice");
    const roomId = await client.createRoom();
    const reason = new Error("changed my mind");
    const signal = AbortSignal.abort(reason);
    await expect(client.sendText(roomId, "never", { signal })).rejects.toBe(reason);
    await client.sendText(roomId, "now");
    expect(await textsIn(client, roomId)).toEqual(["now"]);
  });

  it("keeps the order of the calls in each room, however many are made at once", async () => {
    const { client } = await logIn(homeserver, "alice");
    const rooms = await Promise.all([client.createRoom(), client.createRoom()]);
    const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`);
    const sent = await Promise.all(texts.flatMap((text) => rooms.map((roomId) => client.sendText(roomId, text))));
    expect(new Set(sent).size).toBe(40);
    for (const roomId of rooms) expect(await textsIn(client, roomId)).toEqual(texts);
  });

  it("rejects what the homeserver refuses, and goes on with the next", async () => {
    const alice = await logIn(homeserver, "alice");
    const bob = await logIn(homeserver, "bob");
    const roomId = await alice.client.createRoom();
    const stranger = bob.client.sendText(roomId, "let me in");
    await expect(stranger).rejects.toMatchObject({ name: "MatrixError", errcode: "M_FORBIDDEN", status: 403 });
    const refused = alice.client.sendText(roomId, "x".repeat(70_000));
    const next = alice.client.sendText(roomId, "small");
    await expect(refused).rejects.toMatchObject({ name: "MatrixError", errcode: "M_TOO_LARGE", status: 413 });
    await next;
    expect(await textsIn(alice.client, roomId)).toEqual(["small"]);
  });

  it("creates, joins and leaves rooms, by ID and by alias", async () => {
    const alice = await logIn(homeserver, "alice");
    const bob = await logIn(homeserver, "bob");
    const localpart = `lobby-${alice.user}`;
    const roomId = await alice.client.createRoom({ preset: "public_chat", room_alias_name: localpart });
    const alias = `#${localpart}:${alice.userId.slice(alice.userId.indexOf(":") + 1)}`;
    expect(await bob.client.joinRoom(alias, { via: ["elsewhere.test"] })).toBe(roomId);
    expect(await bob.client.joinRoom(roomId)).toBe(roomId);
    await bob.client.leaveRoom(roomId);
    expect(await bob.client.request("GET", "v3/joined_rooms")).toEqual({ joined_rooms: [] });
    const nowhere = bob.client.joinRoom(`#nowhere-${localpart}:${alias.slice(alias.indexOf(":") + 1)}`);
    await expect(nowhere).rejects.toMatchObject({ errcode: "M_NOT_FOUND", status: 404 });
  });
});

describe("Client.sendText", () => {
  it("can be given up while it waits for what was sent to the room before, and is not sent then", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const roomId = await client.createRoom();
    const held = new Promise<() => Promise<void>>((resolve) => {
      const stop = fake.intercept(/\/send\//, (_request, _response, pass) => {
        stop();
        resolve(pass);
      });
    });
    const first = client.sendText(roomId, "first");
    const pass = await held;
    const giveUp = new AbortController();
    const second = expect(client.sendText(roomId, "second", { signal: giveUp.signal })).rejects.toThrow("enough");
    giveUp.abort(new Error("enough"));
    await second;
    await pass();
    await first;
    await client.sendText(roomId, "third");
    expect(await textsIn(client, roomId)).toEqual(["first", "third"]);
  });
});

describe("sending over a bad network", () => {
  const sendPath = "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}";

  it("repeats a message whose answer was lost with the same transaction ID, so that it is there once", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const roomId = await client.createRoom();
    const stop = fake.intercept(sendPath, async (request, response, pass) => {
      stop();
      response.end = () => {
        request.socket.destroy();
        return response;
      };
      await pass();
    });
    await client.sendText(roomId, "once");
    expect(await textsIn(client, roomId)).toEqual(["once"]);
    const puts = fake.requests.filter(({ method }) => method === "PUT").map(({ path }) => path);
    expect(puts).toHaveLength(2);
    expect(new Set(puts).size).toBe(1);
  });

  it("waits out a rate limit", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const roomId = await client.createRoom();
    const stop = fake.intercept(sendPath, (_, response) => {
      stop();
      response.writeHead(429, { "retry-after": "0" }).end('{"errcode":"M_LIMIT_EXCEEDED","error":"slow down"}');
    });
    await client.sendText(roomId, "later");
    expect(await textsIn(client, roomId)).toEqual(["later"]);
  });

  it.each(["{}", '{"event_id":7}', "null", '{"event_id":"$x'])(
    "never takes the answer %s for success",
    async (body) => {
      const fake = await startFake();
      // The waits between the attempts are over at once; the deadline is not.
      const env = { setTimeout: (callback: () => void, ms: number) => setTimeout(callback, ms < 60_000 ? 0 : ms) };
      const { client } = await logIn(fake, "alice", { env });
      const roomId = await client.createRoom();
      fake.intercept(sendPath, (_, response) => void response.end(body));
      await expect(client.sendText(roomId, "x")).rejects.toMatchObject({ name: "ConnectionError" });
    },
  );
});
