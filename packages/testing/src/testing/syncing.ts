import { describe, expect, test } from "vitest";
import { User, durationOf, field, joined, left, path, textsOf, typesOf, uniqueName } from "./user.js";
import type { Server, Synced } from "./user.js";

/** Syncing: what is told, when, and in which order. */
export function syncing(server: Server): void {
  const twoUsers = async (): Promise<[User, User]> => [await User.register(server), await User.register(server)];
  const roomOfTwo = async (): Promise<[User, User, string]> => {
    const [alice, bob] = await twoUsers();
    const roomId = await alice.createRoom({ preset: "public_chat" });
    await bob.join(roomId);
    return [alice, bob, roomId];
  };

  describe("a first sync", () => {
    test("of a new user has no rooms, and the push rules", async () => {
      const user = await User.register(server);
      const { body } = await user.get("/sync");
      expect(body).toMatchObject({ next_batch: expect.any(String) });
      expect(body).not.toHaveProperty("rooms");
      expect(body).toMatchObject({
        account_data: { events: expect.arrayContaining([expect.objectContaining({ type: "m.push_rules" })]) },
      });
    });

    test("has a short room whole in its timeline, in order, and no state", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom({ preset: "public_chat" });
      await user.sendNumbers(roomId, 1, 2);
      const { timeline, state } = joined(await user.sync(), roomId);
      expect(typesOf(timeline.events)).toEqual([
        "m.room.create",
        "m.room.member join",
        "m.room.power_levels",
        "m.room.join_rules",
        "m.room.history_visibility",
        "m.room.message",
        "m.room.message",
      ]);
      expect(timeline.limited).toBe(false);
      expect(state.events).toEqual([]);
    });

    test("has the last ten events of a long room, and the state before them", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom({ preset: "public_chat", name: "Before" });
      await user.sendNumbers(roomId, 1, 5);
      await user.setState(roomId, "m.room.name", "", { name: "Within" });
      await user.sendNumbers(roomId, 6, 9);
      const { timeline, state } = joined(await user.sync(), roomId);
      expect(textsOf(timeline.events)).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
      expect(timeline.limited).toBe(true);
      expect(timeline.events).toHaveLength(10);
      expect(typesOf(state.events).toSorted()).toEqual([
        "m.room.create",
        "m.room.history_visibility",
        "m.room.join_rules",
        "m.room.member join",
        "m.room.name",
        "m.room.power_levels",
      ]);
      expect(state.events.find(({ type }) => type === "m.room.name")?.content).toEqual({ name: "Before" });
    });

    test("does not wait, whatever the timeout", async () => {
      const user = await User.register(server);
      expect(await durationOf(user.sync({ timeoutMs: 20_000 }))).toBeLessThan(10_000);
    });

    test("has no rooms that were left, unless they are asked for", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom({ preset: "public_chat" });
      await user.leave(roomId);
      // Another one stays, since a homeserver may forget a room with nobody in it.
      const other = await User.register(server);
      const shared = await other.createRoom({ preset: "public_chat" });
      await user.join(shared);
      await user.leave(shared);
      expect((await user.sync()).rooms).toBeUndefined();
      const synced = await user.sync({ room: { include_leave: true } });
      expect(typesOf(left(synced, shared).timeline.events).at(-1)).toBe("m.room.member leave");
    });
  });

  describe("the next sync", () => {
    test("has what has happened since, once, in order", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const first = await bob.sync();
      await alice.sendNumbers(roomId, 1, 3);
      const second = await bob.sync({ since: first.next_batch });
      const { timeline, state } = joined(second, roomId);
      expect(textsOf(timeline.events)).toEqual(["1", "2", "3"]);
      expect(timeline.limited).toBe(false);
      expect(state.events).toEqual([]);
      const third = await bob.sync({ since: second.next_batch });
      expect(third.rooms).toBeUndefined();
    });

    test("is the same when it is asked for again", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const { next_batch: since } = await bob.sync();
      await alice.sendNumbers(roomId, 1, 3);
      const ids = (synced: Synced): string[] => joined(synced, roomId).timeline.events.map((event) => event.event_id);
      expect(ids(await bob.sync({ since }))).toEqual(ids(await bob.sync({ since })));
    });

    test("has every event that a client can recognise, and its age", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const { next_batch: since } = await bob.sync();
      const eventId = await alice.send(roomId, "Hello");
      const [event] = joined(await bob.sync({ since }), roomId).timeline.events;
      expect(event).toMatchObject({
        event_id: eventId,
        sender: alice.userId,
        type: "m.room.message",
        content: { body: "Hello" },
        unsigned: { age: expect.any(Number), membership: "join" },
      });
      expect(event).not.toHaveProperty("room_id");
      expect(event?.unsigned?.["age"]).toBeLessThan(60_000);
    });

    test("has a transaction ID for the device that sent it, and for no other", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const phone = await alice.logIn();
      const devices = [alice, phone, bob];
      const tokens = await Promise.all(devices.map((device) => device.sync()));
      await alice.send(roomId, "Hello", "txn42");
      const synced = await Promise.all(devices.map((device, i) => device.sync({ since: tokens[i]?.next_batch ?? "" })));
      expect(synced.map((answer) => joined(answer, roomId).timeline.events[0]?.unsigned?.["transaction_id"])).toEqual([
        "txn42",
        undefined,
        undefined,
      ]);
    });

    test("has no transaction ID of a device with the same name of somebody else", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const namesake = await bob.logIn(alice.deviceId);
      const { next_batch: since } = await namesake.sync();
      await alice.send(roomId, "Hello", "txn42");
      const [event] = joined(await namesake.sync({ since }), roomId).timeline.events;
      expect(event?.unsigned).not.toHaveProperty("transaction_id");
    });

    test("has only the rooms with news", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      await bob.createRoom();
      const { next_batch: since } = await bob.sync();
      await alice.send(roomId, "News");
      expect(Object.keys((await bob.sync({ since })).rooms?.join ?? {})).toEqual([roomId]);
    });

    test("with the full state has every room, with or without news", async () => {
      const [, bob, roomId] = await roomOfTwo();
      const { next_batch: since } = await bob.sync();
      const { timeline, state } = joined(await bob.sync({ since, fullState: true }), roomId);
      expect(timeline.events).toEqual([]);
      expect(typesOf(state.events)).toContain("m.room.create");
      expect(state.events.filter(({ type }) => type === "m.room.member")).toHaveLength(2);
    });
  });

  describe("a gap", () => {
    test("is no gap up to ten events", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const { next_batch: since } = await bob.sync();
      await alice.sendNumbers(roomId, 1, 10);
      const { timeline } = joined(await bob.sync({ since }), roomId);
      expect(timeline).toMatchObject({ limited: false });
      expect(timeline.events).toHaveLength(10);
    });

    test("shows as a limited timeline with the last ten events", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const { next_batch: since } = await bob.sync();
      await alice.sendNumbers(roomId, 1, 11);
      const { timeline } = joined(await bob.sync({ since }), roomId);
      expect(timeline.limited).toBe(true);
      expect(textsOf(timeline.events)).toEqual(["2", "3", "4", "5", "6", "7", "8", "9", "10", "11"]);
    });

    test("is filled by paginating back to the last sync, without hole or overlap", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const { next_batch: since } = await bob.sync();
      await alice.sendNumbers(roomId, 1, 30);
      const { timeline } = joined(await bob.sync({ since }), roomId);
      const texts = textsOf(timeline.events);
      let from: string | undefined = timeline.prev_batch;
      while (from !== undefined) {
        const page = await bob.messages(roomId, { dir: "b", from, to: since, limit: "7" });
        texts.unshift(...textsOf(page.chunk).toReversed());
        from = page.end;
      }
      expect(texts).toEqual(Array.from({ length: 30 }, (_, i) => String(i + 1)));
    });

    test("tells the state that has changed in it, as it was before the timeline", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const { next_batch: since } = await bob.sync();
      await alice.setState(roomId, "m.room.name", "", { name: "Lost" });
      await alice.setState(roomId, "m.room.name", "", { name: "Gap" });
      await alice.sendNumbers(roomId, 1, 9);
      await alice.setState(roomId, "m.room.name", "", { name: "Timeline" });
      const { timeline, state } = joined(await bob.sync({ since }), roomId);
      expect(state.events).toMatchObject([{ type: "m.room.name", content: { name: "Gap" } }]);
      expect(timeline.events.at(-1)).toMatchObject({ content: { name: "Timeline" } });
    });
  });

  describe("a filter", () => {
    test("sets the length of the timeline", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const { next_batch: since } = await bob.sync();
      await alice.sendNumbers(roomId, 1, 12);
      const short = joined(await bob.sync({ since, room: { timeline: { limit: 3 } } }), roomId).timeline;
      expect(textsOf(short.events)).toEqual(["10", "11", "12"]);
      expect(short.limited).toBe(true);
      const long = joined(await bob.sync({ since, room: { timeline: { limit: 50 } } }), roomId).timeline;
      expect(long.events).toHaveLength(12);
      expect(long.limited).toBe(false);
    });

    test("chooses rooms", async () => {
      const user = await User.register(server);
      const [one, two] = [await user.createRoom(), await user.createRoom()];
      expect(Object.keys((await user.sync({ room: { rooms: [one] } })).rooms?.join ?? {})).toEqual([one]);
      expect(Object.keys((await user.sync({ room: { not_rooms: [one] } })).rooms?.join ?? {})).toEqual([two]);
    });

    test("chooses types", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom({ name: "Name" });
      await user.send(roomId, "Hello");
      const room = { timeline: { types: ["m.room.message"] }, state: { types: ["m.room.name"] } };
      const { timeline, state } = joined(await user.sync({ room }), roomId);
      expect(typesOf(timeline.events)).toEqual(["m.room.message"]);
      expect(typesOf(state.events)).toEqual(["m.room.name"]);
    });

    test("can leave out the members that are not needed, and counts them", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const carol = await User.register(server);
      await carol.join(roomId);
      await alice.sendNumbers(roomId, 1, 10);
      const { state, summary } = joined(await bob.sync({ room: { state: { lazy_load_members: true } } }), roomId);
      const members = state.events.filter(({ type }) => type === "m.room.member").map((event) => event.state_key);
      expect(members).toContain(alice.userId);
      expect(summary).toMatchObject({ "m.joined_member_count": 3, "m.invited_member_count": 0 });
      expect(summary?.["m.heroes"]).toHaveLength(2);
      expect(summary?.["m.heroes"]).toEqual(expect.arrayContaining([alice.userId, carol.userId]));
    });

    test("is kept for its user, under an ID", async () => {
      const [alice, bob] = await twoUsers();
      const filter = { room: { timeline: { limit: 1 } } };
      const filterId = field(await alice.post(path`/user/${alice.userId}/filter`, filter), "filter_id");
      expect((await alice.get(path`/user/${alice.userId}/filter/${filterId}`)).body).toEqual(filter);
      const forbidden = { status: 403, body: { errcode: "M_FORBIDDEN" } };
      expect(await bob.get(path`/user/${alice.userId}/filter/${filterId}`)).toMatchObject(forbidden);
      expect(await bob.post(path`/user/${alice.userId}/filter`, filter)).toMatchObject(forbidden);
      const roomId = await alice.createRoom();
      const { body } = await alice.get<Synced>(`/sync?filter=${filterId}`);
      expect(joined(body, roomId).timeline.events).toHaveLength(1);
    });

    test("that was never kept is not found", async () => {
      const user = await User.register(server);
      const reply = await user.get(path`/user/${user.userId}/filter/99`);
      expect(reply).toMatchObject({ status: 404, body: { errcode: "M_NOT_FOUND" } });
    });

    test.each([
      ["filter={", "M_NOT_JSON"],
      ["filter=17", "M_INVALID_PARAM"],
      ["filter=abc", "M_INVALID_PARAM"],
      [`filter=${encodeURIComponent('{"room":5}')}`, "M_UNKNOWN"],
      ["since=nonsense", "M_UNKNOWN"],
      ["timeout=soon", "M_INVALID_PARAM"],
      ["full_state=maybe", "M_INVALID_PARAM"],
    ])("and other parameters are refused when malformed: ?%s", async (query, errcode) => {
      const user = await User.register(server);
      expect(await user.get(`/sync?${query}`)).toMatchObject({ status: 400, body: { errcode } });
    });
  });

  describe("a long poll", () => {
    test("ends with nothing when the time is over", async () => {
      const user = await User.register(server);
      const { next_batch: since } = await user.sync();
      const poll = user.sync({ since, timeoutMs: 300 });
      expect(await durationOf(poll)).toBeGreaterThan(250);
      expect((await poll).rooms).toBeUndefined();
    });

    test("wakes at once when an event comes", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const { next_batch: since } = await bob.sync();
      const poll = bob.sync({ since, timeoutMs: 20_000 });
      const eventId = await alice.send(roomId, "Wake up");
      expect(await durationOf(poll)).toBeLessThan(5000);
      expect(joined(await poll, roomId).timeline.events).toMatchObject([{ event_id: eventId }]);
    });

    test("answers at once what has happened before", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const { next_batch: since } = await bob.sync();
      await alice.send(roomId, "Already here");
      expect(textsOf(joined(await bob.sync({ since, timeoutMs: 20_000 }), roomId).timeline.events)).toEqual([
        "Already here",
      ]);
    });

    test("sleeps through what happens in other rooms", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom();
      const { next_batch: since } = await bob.sync();
      const poll = bob.sync({ since, timeoutMs: 300 });
      await alice.send(roomId, "Not for Bob");
      expect((await poll).rooms).toBeUndefined();
    });

    test("wakes for an invitation", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom();
      const { next_batch: since } = await bob.sync();
      const poll = bob.sync({ since, timeoutMs: 20_000 });
      await alice.invite(roomId, bob);
      expect(Object.keys((await poll).rooms?.invite ?? {})).toEqual([roomId]);
    });
  });

  describe("membership in a sync", () => {
    test("invited: the stripped state and the invitation, once", async () => {
      const [alice, bob] = await twoUsers();
      const { next_batch: since } = await bob.sync();
      const roomId = await alice.createRoom({ name: "Name", invite: [bob.userId] });
      await alice.send(roomId, "Not for guests");
      const synced = await bob.sync({ since });
      expect(synced.rooms?.join).toBeUndefined();
      const events = synced.rooms?.invite?.[roomId]?.invite_state.events ?? [];
      expect(events.find(({ type }) => type === "m.room.name")).toEqual({
        type: "m.room.name",
        state_key: "",
        sender: alice.userId,
        content: { name: "Name" },
      });
      expect(typesOf(events)).toEqual(
        expect.arrayContaining(["m.room.create", "m.room.join_rules", "m.room.member join", "m.room.member invite"]),
      );
      expect(textsOf(events)).toEqual([]);
      expect((await bob.sync({ since: synced.next_batch })).rooms).toBeUndefined();
      expect((await bob.sync()).rooms?.invite).toHaveProperty([roomId]);
    });

    test("joined: the whole room, and that there may be more", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await alice.sendNumbers(roomId, 1, 2);
      const { next_batch: since } = await bob.sync();
      await bob.join(roomId);
      const { timeline, state } = joined(await bob.sync({ since }), roomId);
      const types = [...typesOf(state.events), ...typesOf(timeline.events)];
      expect(types).toEqual(expect.arrayContaining(["m.room.create", "m.room.power_levels", "m.room.member join"]));
      expect(textsOf(timeline.events)).toEqual(["1", "2"]);
      expect(timeline.events.at(-1)).toMatchObject({ state_key: bob.userId, content: { membership: "join" } });
      expect(timeline.limited).toBe(true);
    });

    test("joined by another: their member event", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      const { next_batch: since } = await alice.sync();
      await bob.join(roomId);
      expect(joined(await alice.sync({ since }), roomId).timeline.events).toMatchObject([
        { type: "m.room.member", state_key: bob.userId, sender: bob.userId, content: { membership: "join" } },
      ]);
    });

    test("left: what happened up to the leaving, and nothing later, once", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const { next_batch: since } = await bob.sync();
      await alice.send(roomId, "Before");
      await bob.leave(roomId);
      await alice.send(roomId, "After");
      const synced = await bob.sync({ since });
      expect(synced.rooms?.join).toBeUndefined();
      expect(typesOf(left(synced, roomId).timeline.events)).toEqual(["m.room.message", "m.room.member leave"]);
      await alice.send(roomId, "Later");
      expect((await bob.sync({ since: synced.next_batch })).rooms).toBeUndefined();
    });

    test("left: nothing later, even where anybody may read on", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      await alice.setState(roomId, "m.room.history_visibility", "", { history_visibility: "world_readable" });
      const { next_batch: since } = await bob.sync();
      await bob.leave(roomId);
      await alice.send(roomId, "After");
      expect(typesOf(left(await bob.sync({ since }), roomId).timeline.events)).toEqual(["m.room.member leave"]);
    });

    test("kicked and banned: the same, with who did it and why", async () => {
      for (const [act, result] of [
        ["kick", "leave"],
        ["ban", "ban"],
      ] as const) {
        const [alice, bob, roomId] = await roomOfTwo();
        const { next_batch: since } = await bob.sync();
        await alice[act](roomId, bob, "Rude");
        await alice.send(roomId, "After");
        const { timeline } = left(await bob.sync({ since }), roomId);
        expect(timeline.events).toMatchObject([
          { sender: alice.userId, state_key: bob.userId, content: { membership: result, reason: "Rude" } },
        ]);
      }
    });

    test("an invitation refused: the room goes", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ invite: [bob.userId] });
      const { next_batch: since } = await bob.sync();
      await bob.leave(roomId);
      const { timeline } = left(await bob.sync({ since }), roomId);
      expect(timeline.events).toMatchObject([{ state_key: bob.userId, content: { membership: "leave" } }]);
    });

    test("an invitation withdrawn: the room goes", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ invite: [bob.userId] });
      const { next_batch: since } = await bob.sync();
      await alice.kick(roomId, bob);
      const { timeline } = left(await bob.sync({ since }), roomId);
      expect(timeline.events).toMatchObject([{ sender: alice.userId, content: { membership: "leave" } }]);
    });

    test("left and joined again between two syncs: joined, as if new", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const { next_batch: since } = await bob.sync();
      await bob.leave(roomId);
      await alice.send(roomId, "While away");
      await bob.join(roomId);
      const synced = await bob.sync({ since });
      expect(synced.rooms?.leave).toBeUndefined();
      const { timeline } = joined(synced, roomId);
      expect(timeline.limited).toBe(true);
      expect(typesOf(timeline.events).slice(-3)).toEqual([
        "m.room.member leave",
        "m.room.message",
        "m.room.member join",
      ]);
    });

    test("joined and left between two syncs: left, with the whole room up to then", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      const { next_batch: since } = await bob.sync();
      await bob.join(roomId);
      await alice.send(roomId, "Hello");
      await bob.leave(roomId);
      await alice.send(roomId, "Gone");
      const { timeline } = left(await bob.sync({ since }), roomId);
      expect(typesOf(timeline.events).slice(-3)).toEqual([
        "m.room.member join",
        "m.room.message",
        "m.room.member leave",
      ]);
      expect(typesOf(timeline.events)[0]).toBe("m.room.create");
      expect(timeline.limited).toBe(true);
    });

    test("forgotten: nothing", async () => {
      const [, bob, roomId] = await roomOfTwo();
      await bob.leave(roomId);
      await bob.post(path`/rooms/${roomId}/forget`);
      expect((await bob.sync({ room: { include_leave: true } })).rooms).toBeUndefined();
    });
  });

  describe("order", () => {
    test("is that of sending, and the same for everybody", async () => {
      const [alice, bob, roomId] = await roomOfTwo();
      const since = [(await alice.sync()).next_batch, (await bob.sync()).next_batch] as const;
      await Promise.all([
        ...Array.from({ length: 4 }, () => alice.send(roomId, uniqueName())),
        ...Array.from({ length: 4 }, () => bob.send(roomId, uniqueName())),
      ]);
      const hers = textsOf(joined(await alice.sync({ since: since[0] }), roomId).timeline.events);
      const his = textsOf(joined(await bob.sync({ since: since[1] }), roomId).timeline.events);
      expect(hers).toHaveLength(8);
      expect(his).toEqual(hers);
      const { chunk } = await bob.messages(roomId, { dir: "b", limit: "8" });
      expect(textsOf(chunk).toReversed()).toEqual(hers);
    });
  });
}
