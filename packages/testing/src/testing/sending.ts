import { describe, expect, test } from "vitest";
import { User, field, joined, path, request, textsOf, uniqueName } from "./user.js";
import type { Server, SyncedEvent } from "./user.js";

const FORBIDDEN = { status: 403, body: { errcode: "M_FORBIDDEN" } };

/** Sending and redacting events. */
export function sending(server: Server): void {
  const twoUsers = async (): Promise<[User, User]> => [await User.register(server), await User.register(server)];

  describe("sending", () => {
    test("gives the event an ID, and the room the event", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const eventId = await user.send(roomId, "Hello", "txn1");
      expect(eventId).toMatch(/^\$[\w-]{43}$/);
      const { body } = await user.get(path`/rooms/${roomId}/event/${eventId}`);
      expect(body).toMatchObject({
        event_id: eventId,
        room_id: roomId,
        sender: user.userId,
        type: "m.room.message",
        content: { msgtype: "m.text", body: "Hello" },
        origin_server_ts: expect.any(Number),
        unsigned: { age: expect.any(Number), transaction_id: "txn1" },
      });
    });

    test("is for members", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      expect(await bob.trySend(roomId, "Let me in")).toMatchObject(FORBIDDEN);
      expect(await bob.trySend(`!${uniqueName()}:${bob.serverName}`, "Anybody?")).toMatchObject(FORBIDDEN);
      await bob.join(roomId);
      expect(await bob.trySend(roomId, "Hello")).toMatchObject({ status: 200 });
      await bob.leave(roomId);
      expect(await bob.trySend(roomId, "One more thing")).toMatchObject(FORBIDDEN);
    });

    test("is not for who is invited only", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ invite: [bob.userId] });
      expect(await bob.trySend(roomId, "Hello")).toMatchObject(FORBIDDEN);
    });

    test("takes the power that the type asks for", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({
        preset: "public_chat",
        power_level_content_override: { events: { "m.room.message": 10, "org.example": 0 } },
      });
      await bob.join(roomId);
      expect(await bob.trySend(roomId, "Hello")).toMatchObject(FORBIDDEN);
      expect(await bob.put(path`/rooms/${roomId}/send/org.example/1`, {})).toMatchObject({ status: 200 });
      expect(await bob.setState(roomId, "org.example", "", {})).toMatchObject({ status: 200 });
      expect(await bob.setState(roomId, "org.other", "", {})).toMatchObject(FORBIDDEN);
    });

    test("cannot give more power than one has, nor take it", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      const grant = (by: User, power: Readonly<Record<string, number>>): ReturnType<User["put"]> =>
        by.setState(roomId, "m.room.power_levels", "", { users: power, events: { "m.room.power_levels": 50 } });
      expect(await grant(alice, { [alice.userId]: 100, [bob.userId]: 50 })).toMatchObject({ status: 200 });
      expect(await grant(bob, { [alice.userId]: 100, [bob.userId]: 100 })).toMatchObject(FORBIDDEN);
      expect(await grant(bob, { [bob.userId]: 50 })).toMatchObject(FORBIDDEN);
      expect(await grant(bob, { [alice.userId]: 100, [bob.userId]: 0 })).toMatchObject({ status: 200 });
    });

    test.each([
      [{ msgtype: "m.text" }, "M_UNKNOWN"],
      [{ body: "no type" }, "M_UNKNOWN"],
      [{ body: "x", msgtype: 5 }, "M_UNKNOWN"],
      [{ body: "x", msgtype: "m.text", fraction: 1.5 }, "M_BAD_JSON"],
    ])("refuses the message %j", async (content, errcode) => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const reply = await user.put(path`/rooms/${roomId}/send/m.room.message/1`, content);
      expect(reply).toMatchObject({ status: 400, body: { errcode } });
    });

    test("refuses integers that not everybody can read", async () => {
      const user = await User.register(server);
      const target = path`/rooms/${await user.createRoom()}/send/org.example/1`;
      const { accessToken } = user;
      const reply = await request(server, "PUT", target, { accessToken, text: '{"n": 9007199254740993}' });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_BAD_JSON" } });
    });

    test("refuses an event of more than 65,536 bytes", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const tooLarge = { status: 413, body: { errcode: "M_TOO_LARGE" } };
      expect(await user.trySend(roomId, "x".repeat(66_000))).toMatchObject(tooLarge);
      expect(await user.trySend(roomId, "x".repeat(3_000_000))).toMatchObject(tooLarge);
      expect(await user.trySend(roomId, "x".repeat(60_000))).toMatchObject({ status: 200 });
    });

    test("refuses types and state keys of more than 255 bytes", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const tooLarge = { status: 413, body: { errcode: "M_TOO_LARGE" } };
      expect(await user.setState(roomId, "x".repeat(256), "", {})).toMatchObject(tooLarge);
      expect(await user.setState(roomId, "org.example", "x".repeat(256), {})).toMatchObject(tooLarge);
      expect(await user.setState(roomId, "org.example", "x".repeat(255), {})).toMatchObject({ status: 200 });
    });
  });

  describe("a transaction ID", () => {
    test("makes one event, however often it is sent", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const { next_batch: since } = await user.sync();
      const first = await user.send(roomId, "First", "txn");
      expect(await user.send(roomId, "Second", "txn")).toBe(first);
      expect(textsOf(joined(await user.sync({ since }), roomId).timeline.events)).toEqual(["First"]);
    });

    test("makes one event of requests that come at once", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const eventIds = await Promise.all(Array.from({ length: 5 }, () => user.send(roomId, "Once", "txn")));
      expect(new Set(eventIds).size).toBe(1);
    });

    test("is another one on another device, in another room, and of another user", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      const eventIds = [
        await alice.send(roomId, "Laptop", "txn"),
        await (await alice.logIn()).send(roomId, "Phone", "txn"),
        await alice.send(await alice.createRoom(), "Elsewhere", "txn"),
        await bob.send(roomId, "Bob", "txn"),
      ];
      expect(new Set(eventIds).size).toBe(4);
    });

    test("is the same one after another login on the same device", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const eventId = await user.send(roomId, "Before", "txn");
      const again = await user.logIn(user.deviceId);
      expect(await again.send(roomId, "After", "txn")).toBe(eventId);
    });

    test("whose event was refused can be used again", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      expect(await bob.trySend(roomId, "Hello", "txn")).toMatchObject(FORBIDDEN);
      await bob.join(roomId);
      expect(await bob.trySend(roomId, "Hello", "txn")).toMatchObject({ status: 200 });
    });
  });

  describe("redacting", () => {
    test("takes the content away, and says who did", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      const eventId = await bob.send(roomId, "Oops");
      const reply = await alice.put(path`/rooms/${roomId}/redact/${eventId}/1`, { reason: "Rude" });
      const { body } = await alice.get<SyncedEvent>(path`/rooms/${roomId}/event/${eventId}`);
      expect(body).toMatchObject({
        event_id: eventId,
        sender: bob.userId,
        content: {},
        unsigned: {
          redacted_because: {
            event_id: field(reply, "event_id"),
            sender: alice.userId,
            type: "m.room.redaction",
            content: { redacts: eventId, reason: "Rude" },
          },
        },
      });
      expect(body.content).toEqual({});
    });

    test("comes in a sync as an event", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const eventId = await user.send(roomId, "Oops");
      const { next_batch: since } = await user.sync();
      await user.put(path`/rooms/${roomId}/redact/${eventId}/1`, {});
      const { timeline } = joined(await user.sync({ since }), roomId);
      expect(timeline.events).toMatchObject([{ type: "m.room.redaction", content: { redacts: eventId } }]);
    });

    test("keeps the membership of a member event", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const target = `${path`/rooms/${roomId}/state/m.room.member/${user.userId}`}?format=event`;
      await user.put(path`/rooms/${roomId}/redact/${field(await user.get(target), "event_id")}/1`, {});
      expect((await user.get(target)).body).toMatchObject({ content: { membership: "join" } });
      expect((await user.get(target)).body).not.toHaveProperty("content.displayname");
    });

    test("one's own events is always allowed, others' takes power", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      const [hers, his] = [await alice.send(roomId, "Alice"), await bob.send(roomId, "Bob")];
      expect(await bob.put(path`/rooms/${roomId}/redact/${hers}/1`, {})).toMatchObject(FORBIDDEN);
      expect(await bob.put(path`/rooms/${roomId}/redact/${his}/2`, {})).toMatchObject({ status: 200 });
    });

    test("has transaction IDs, too", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const target = path`/rooms/${roomId}/redact/${await user.send(roomId, "Oops")}/txn`;
      expect(field(await user.put(target, {}), "event_id")).toBe(field(await user.put(target, {}), "event_id"));
    });
  });
}
