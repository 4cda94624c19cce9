import { describe, expect, test } from "vitest";
import { User, field, path, typesOf, uniqueName } from "./user.js";
import type { Server, SyncedEvent } from "./user.js";

const stateOf = async (user: User, roomId: string, type: string): Promise<unknown> =>
  (await user.get(path`/rooms/${roomId}/state/${type}`)).body;

/** Creating rooms, and finding them. */
export function rooms(server: Server): void {
  describe("a new room", () => {
    test("begins with its creation, its creator, the power levels and the preset", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom({ name: "Name", topic: "Topic" });
      const { chunk } = await user.messages(roomId, { dir: "f", limit: "20" });
      expect(typesOf(chunk)).toEqual([
        "m.room.create",
        "m.room.member join",
        "m.room.power_levels",
        "m.room.join_rules",
        "m.room.history_visibility",
        "m.room.guest_access",
        "m.room.name",
        "m.room.topic",
      ]);
      expect(roomId).toMatch(new RegExp(`^!.+:${user.serverName}$`));
    });

    test.each([
      [{}, "invite", 0],
      [{ preset: "private_chat" }, "invite", 0],
      [{ preset: "public_chat" }, "public", 50],
      [{ visibility: "public" }, "public", 50],
    ])("made from %j has the join rule %s", async (body, joinRule, invite) => {
      const user = await User.register(server);
      const roomId = await user.createRoom(body);
      expect(await stateOf(user, roomId, "m.room.join_rules")).toEqual({ join_rule: joinRule });
      expect(await stateOf(user, roomId, "m.room.history_visibility")).toEqual({ history_visibility: "shared" });
      expect(await stateOf(user, roomId, "m.room.power_levels")).toMatchObject({
        users: { [user.userId]: 100 },
        invite,
      });
      expect(await stateOf(user, roomId, "m.room.create")).toEqual({ room_version: "11" });
    });

    test("of trusted users gives the invited ones the creator's power", async () => {
      const [alice, bob] = [await User.register(server), await User.register(server)];
      const roomId = await alice.createRoom({ preset: "trusted_private_chat", invite: [bob.userId] });
      const users = { [alice.userId]: 100, [bob.userId]: 100 };
      expect(await stateOf(alice, roomId, "m.room.power_levels")).toMatchObject({ users });
    });

    test("has the state that is asked for, in place of the preset's", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom({
        preset: "public_chat",
        initial_state: [
          { type: "m.room.history_visibility", content: { history_visibility: "joined" } },
          { type: "org.example", state_key: "key", content: { value: 1 } },
        ],
        power_level_content_override: { events_default: 7 },
        creation_content: { "org.example": true },
      });
      expect(await stateOf(user, roomId, "m.room.history_visibility")).toEqual({ history_visibility: "joined" });
      expect(await stateOf(user, roomId, "m.room.power_levels")).toMatchObject({ events_default: 7, kick: 50 });
      expect(await stateOf(user, roomId, "m.room.create")).toEqual({ room_version: "11", "org.example": true });
      expect((await user.get(path`/rooms/${roomId}/state/org.example/key`)).body).toEqual({ value: 1 });
    });

    test("invites, and says whether it is a direct chat", async () => {
      const [alice, bob] = [await User.register(server), await User.register(server)];
      const roomId = await alice.createRoom({ invite: [bob.userId], is_direct: true });
      const { body } = await alice.get(path`/rooms/${roomId}/state/m.room.member/${bob.userId}`);
      expect(body).toMatchObject({ membership: "invite", is_direct: true, displayname: bob.localpart });
    });

    test("has an alias by which it is found", async () => {
      const user = await User.register(server);
      const name = uniqueName();
      const roomId = await user.createRoom({ room_alias_name: name, preset: "public_chat" });
      const alias = `#${name}:${user.serverName}`;
      expect(await stateOf(user, roomId, "m.room.canonical_alias")).toEqual({ alias });
      const { body } = await user.get(path`/directory/room/${alias}`);
      expect(body).toEqual({ room_id: roomId, servers: [user.serverName] });
      const other = await User.register(server);
      expect(field(await other.post(path`/join/${alias}`), "room_id")).toBe(roomId);
    });

    test("cannot have an alias that another room has", async () => {
      const user = await User.register(server);
      const name = uniqueName();
      await user.createRoom({ room_alias_name: name });
      const reply = await user.post("/createRoom", { room_alias_name: name });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_ROOM_IN_USE" } });
    });

    test.each([
      [{ preset: "wat" }, "M_BAD_JSON"],
      [{ room_version: "99" }, "M_UNSUPPORTED_ROOM_VERSION"],
      [{ room_version: 11 }, "M_BAD_JSON"],
      [{ invite: ["nobody"] }, "M_UNKNOWN"],
      [{ name: 5 }, "M_UNKNOWN"],
      [{ room_alias_name: "with space" }, "M_UNKNOWN"],
    ])("is not made from %j: %s", async (body, errcode) => {
      const user = await User.register(server);
      expect(await user.post("/createRoom", body)).toMatchObject({ status: 400, body: { errcode } });
    });

    test.each([
      ["@bob:example.org", "@"],
      ["bob", "b"],
      [{ bob: true }, "bob"],
      [[5], "5"],
    ])("takes whatever it can walk through for a list of invitations: %j", async (invite, first) => {
      const user = await User.register(server);
      const body = { errcode: "M_UNKNOWN", error: `Invalid user_id: ${first}` };
      expect(await user.post("/createRoom", { invite })).toMatchObject({ status: 400, body });
    });

    test.each([[[]], [""], [{}]])("is made with nobody invited by %j", async (invite) => {
      const user = await User.register(server);
      expect(await user.post("/createRoom", { invite })).toMatchObject({ status: 200 });
    });

    test.each([5, true, null])("is not made with the invitation of %j", async (invite) => {
      const user = await User.register(server);
      const { status } = await user.post("/createRoom", { invite });
      expect([400, 500]).toContain(status);
    });

    test("is not made by who invites themselves", async () => {
      const user = await User.register(server);
      const reply = await user.post("/createRoom", { invite: [user.userId] });
      expect(reply).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
    });
  });

  describe("an alias", () => {
    test("of no room is not found", async () => {
      const user = await User.register(server);
      const alias = `#${uniqueName()}:${user.serverName}`;
      const expected = { status: 404, body: { errcode: "M_NOT_FOUND" } };
      expect(await user.get(path`/directory/room/${alias}`)).toMatchObject(expected);
      expect(await user.post(path`/join/${alias}`)).toMatchObject(expected);
    });

    test("has to have the form of one", async () => {
      const user = await User.register(server);
      const expected = { status: 400, body: { errcode: "M_INVALID_PARAM" } };
      expect(await user.get("/directory/room/nonsense")).toMatchObject(expected);
    });
  });

  describe("state", () => {
    test("is read whole, by type, and by type and key", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom({ name: "Name" });
      const state = (await user.get<SyncedEvent[]>(path`/rooms/${roomId}/state`)).body;
      expect(state.find(({ type }) => type === "m.room.name")).toMatchObject({
        event_id: expect.stringMatching(/^\$/),
        room_id: roomId,
        sender: user.userId,
        state_key: "",
        content: { name: "Name" },
      });
      expect(await stateOf(user, roomId, "m.room.name")).toEqual({ name: "Name" });
      expect((await user.get(`${path`/rooms/${roomId}/state/m.room.name`}/`)).body).toEqual({ name: "Name" });
    });

    test("that is not there is not found", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const reply = await user.get(path`/rooms/${roomId}/state/m.room.topic`);
      expect(reply).toMatchObject({ status: 404, body: { errcode: "M_NOT_FOUND" } });
    });

    test("takes the place of what was there, and says so", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom({ name: "Old" });
      const { next_batch: since } = await user.sync();
      await user.setState(roomId, "m.room.name", "", { name: "New" });
      const { rooms: synced } = await user.sync({ since });
      expect(synced?.join?.[roomId]?.timeline.events).toMatchObject([
        { content: { name: "New" }, unsigned: { prev_content: { name: "Old" }, replaces_state: expect.any(String) } },
      ]);
    });

    test("set again as it is makes no new event", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const first = await user.setState(roomId, "m.room.topic", "", { topic: "Same" });
      const second = await user.setState(roomId, "m.room.topic", "", { topic: "Same" });
      expect(field(second, "event_id")).toBe(field(first, "event_id"));
    });

    test("under a user's ID belongs to that user", async () => {
      const [alice, bob] = [await User.register(server), await User.register(server)];
      const roomId = await alice.createRoom();
      const forbidden = { status: 403, body: { errcode: "M_FORBIDDEN" } };
      expect(await alice.setState(roomId, "org.example", bob.userId, {})).toMatchObject(forbidden);
      expect(await alice.setState(roomId, "org.example", alice.userId, {})).toMatchObject({ status: 200 });
    });
  });
}
