import { describe, expect, test } from "vitest";
import { User, field, path, uniqueName } from "./user.js";
import type { Page, Server } from "./user.js";

const FORBIDDEN = { status: 403, body: { errcode: "M_FORBIDDEN" } };
const BAD_STATE = { status: 403, body: { errcode: "M_BAD_STATE" } };

const joinedRooms = async (user: User): Promise<unknown> => (await user.get("/joined_rooms")).body;
const membershipOf = async (room: string, of: User, by: User): Promise<unknown> =>
  (await by.get(path`/rooms/${room}/state/m.room.member/${of.userId}`)).body;

/** Coming and going, and who may make others do so. */
export function membership(server: Server): void {
  const twoUsers = async (): Promise<[User, User]> => [await User.register(server), await User.register(server)];

  describe("joining", () => {
    test("a public room is open to everybody", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      expect(await bob.join(roomId)).toMatchObject({ status: 200, body: { room_id: roomId } });
      expect(await joinedRooms(bob)).toEqual({ joined_rooms: [roomId] });
    });

    test("takes the room ID or alias in the path, too", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      expect(await bob.post(path`/join/${roomId}`)).toMatchObject({ status: 200, body: { room_id: roomId } });
    });

    test("a private room takes an invitation", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom();
      expect(await bob.join(roomId)).toMatchObject(FORBIDDEN);
      expect(await alice.invite(roomId, bob)).toMatchObject({ status: 200, body: {} });
      expect(await joinedRooms(bob)).toEqual({ joined_rooms: [] });
      expect(await bob.join(roomId)).toMatchObject({ status: 200 });
    });

    test("twice is joining once", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      const { next_batch: since } = await alice.sync();
      expect(await bob.join(roomId)).toMatchObject({ status: 200 });
      expect((await alice.sync({ since })).rooms).toBeUndefined();
    });

    test("a room that nobody knows is impossible", async () => {
      const user = await User.register(server);
      const roomId = `!${uniqueName()}:${user.serverName}`;
      expect(await user.join(roomId)).toMatchObject({ status: 404, body: { errcode: "M_UNKNOWN" } });
      expect(await user.post("/join/nonsense")).toMatchObject({ status: 400, body: { errcode: "M_UNKNOWN" } });
    });

    test("a room that everybody has left is impossible", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await alice.leave(roomId);
      expect(await bob.join(roomId)).toMatchObject({ status: 404, body: { errcode: "M_UNKNOWN" } });
    });

    test("is nothing that one does to others", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ invite: [bob.userId] });
      const reply = await alice.setState(roomId, "m.room.member", bob.userId, { membership: "join" });
      expect(reply).toMatchObject(FORBIDDEN);
    });
  });

  describe("inviting", () => {
    test("is for members", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom();
      expect(await bob.invite(roomId, bob)).toMatchObject(FORBIDDEN);
    });

    test("somebody who is in the room is refused", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      expect(await alice.invite(roomId, bob)).toMatchObject(FORBIDDEN);
    });

    test("takes the power to", async () => {
      const [alice, bob] = await twoUsers();
      const carol = await User.register(server);
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      expect(await bob.invite(roomId, carol)).toMatchObject(FORBIDDEN);
      expect(await alice.invite(roomId, carol)).toMatchObject({ status: 200 });
    });

    test("asks for a user ID", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const invite = path`/rooms/${roomId}/invite`;
      expect(await user.post(invite)).toMatchObject({ status: 400, body: { errcode: "M_MISSING_PARAM" } });
      expect(await user.post(invite, { user_id: "x" })).toMatchObject({
        status: 400,
        body: { errcode: "M_INVALID_PARAM" },
      });
    });
  });

  describe("leaving", () => {
    test("ends the membership", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      expect(await bob.leave(roomId)).toMatchObject({ status: 200, body: {} });
      expect(await joinedRooms(bob)).toEqual({ joined_rooms: [] });
      expect(await membershipOf(roomId, bob, alice)).toEqual({ membership: "leave" });
    });

    test("twice is leaving once", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      await user.leave(roomId);
      expect(await user.leave(roomId)).toMatchObject({ status: 200 });
    });

    test("refuses an invitation, with a reason", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ invite: [bob.userId] });
      await bob.post(path`/rooms/${roomId}/leave`, { reason: "No time" });
      expect(await membershipOf(roomId, bob, alice)).toEqual({ membership: "leave", reason: "No time" });
      expect(await bob.join(roomId)).toMatchObject(FORBIDDEN);
    });

    test("a room that one was never in is refused", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      expect(await bob.leave(roomId)).toMatchObject(FORBIDDEN);
      expect(await bob.leave(`!${uniqueName()}:${bob.serverName}`)).toMatchObject({ status: 404 });
    });

    test("comes before forgetting", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      const forget = path`/rooms/${roomId}/forget`;
      expect(await bob.post(forget)).toMatchObject({ status: 400, body: { errcode: "M_UNKNOWN" } });
      await bob.leave(roomId);
      expect(await bob.get(path`/rooms/${roomId}/state`)).toMatchObject({ status: 200 });
      expect(await bob.post(forget)).toMatchObject({ status: 200, body: {} });
      expect(await bob.get(path`/rooms/${roomId}/state`)).toMatchObject(FORBIDDEN);
    });
  });

  describe("kicking and banning", () => {
    test("take power, and more of it than the other one has", async () => {
      const [alice, bob] = await twoUsers();
      const carol = await User.register(server);
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      await carol.join(roomId);
      for (const act of ["kick", "ban"] as const) {
        expect(await bob[act](roomId, carol)).toMatchObject(FORBIDDEN);
        expect(await bob[act](roomId, alice)).toMatchObject(FORBIDDEN);
      }
      const users = { [alice.userId]: 100, [bob.userId]: 50, [carol.userId]: 50 };
      await alice.setState(roomId, "m.room.power_levels", "", { users });
      expect(await bob.kick(roomId, carol)).toMatchObject(FORBIDDEN);
      await alice.setState(roomId, "m.room.power_levels", "", { users: { [alice.userId]: 100, [bob.userId]: 50 } });
      expect(await bob.kick(roomId, carol)).toMatchObject({ status: 200, body: {} });
    });

    test("a kicked user may come back", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      expect(await alice.kick(roomId, bob, "Rude")).toMatchObject({ status: 200 });
      expect(await membershipOf(roomId, bob, alice)).toEqual({ membership: "leave", reason: "Rude" });
      expect(await alice.kick(roomId, bob)).toMatchObject(FORBIDDEN);
      expect(await bob.join(roomId)).toMatchObject({ status: 200 });
    });

    test("a banned user is kept out until the ban ends", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      expect(await alice.ban(roomId, bob)).toMatchObject({ status: 200, body: {} });
      expect(await bob.join(roomId)).toMatchObject(BAD_STATE);
      expect(await alice.invite(roomId, bob)).toMatchObject(BAD_STATE);
      expect(await alice.kick(roomId, bob)).toMatchObject(BAD_STATE);
      expect(await bob.leave(roomId)).toMatchObject(FORBIDDEN);
      expect(await alice.unban(roomId, bob)).toMatchObject({ status: 200, body: {} });
      expect(await bob.join(roomId)).toMatchObject({ status: 200 });
    });

    test("a user can be banned before coming", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      expect(await alice.ban(roomId, bob)).toMatchObject({ status: 200 });
      expect(await bob.join(roomId)).toMatchObject(BAD_STATE);
    });

    test("who is not banned cannot be unbanned", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      expect(await alice.unban(roomId, bob)).toMatchObject(BAD_STATE);
    });

    test("are not for who is not in the room", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom();
      expect(await bob.kick(roomId, alice)).toMatchObject(FORBIDDEN);
      expect(await bob.ban(roomId, alice)).toMatchObject(FORBIDDEN);
      const unknown = `!${uniqueName()}:${bob.serverName}`;
      expect(await bob.kick(unknown, alice)).toMatchObject({ status: 404, body: { errcode: "M_UNKNOWN" } });
    });
  });

  describe("members", () => {
    test("that are joined have their names", async () => {
      const [alice, bob] = await twoUsers();
      const carol = await User.register(server);
      const roomId = await alice.createRoom({ preset: "public_chat", invite: [carol.userId] });
      await bob.join(roomId);
      const { body } = await alice.get(path`/rooms/${roomId}/joined_members`);
      expect(body).toEqual({
        joined: {
          [alice.userId]: { display_name: alice.localpart, avatar_url: null },
          [bob.userId]: { display_name: bob.localpart, avatar_url: null },
        },
      });
    });

    test("are told by membership", async () => {
      const [alice, bob] = await twoUsers();
      const carol = await User.register(server);
      const roomId = await alice.createRoom({ preset: "public_chat", invite: [carol.userId] });
      await bob.join(roomId);
      const idsOf = async (query: string): Promise<string[]> => {
        const { body } = await alice.get<Page>(`${path`/rooms/${roomId}/members`}${query}`);
        return body.chunk.map((member) => member.state_key ?? "").toSorted();
      };
      expect(await idsOf("")).toEqual([alice.userId, bob.userId, carol.userId].toSorted());
      expect(await idsOf("?membership=invite")).toEqual([carol.userId]);
      expect(await idsOf("?not_membership=invite")).toEqual([alice.userId, bob.userId].toSorted());
    });

    test("are nobody else's business", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      expect(await bob.get(path`/rooms/${roomId}/joined_members`)).toMatchObject(FORBIDDEN);
      expect(await bob.get(path`/rooms/${roomId}/members`)).toMatchObject(FORBIDDEN);
      await bob.join(roomId);
      await bob.leave(roomId);
      expect(await bob.get(path`/rooms/${roomId}/joined_members`)).toMatchObject(FORBIDDEN);
    });

    test("set by hand have to have a membership", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const reply = await user.setState(roomId, "m.room.member", user.userId, {});
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_UNKNOWN" } });
    });

    test("can show a name of their own in one room", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const reply = await user.setState(roomId, "m.room.member", user.userId, {
        membership: "join",
        displayname: "Here",
      });
      expect(field(reply, "event_id")).toMatch(/^\$/);
      expect(await membershipOf(roomId, user, user)).toMatchObject({ membership: "join", displayname: "Here" });
    });
  });
}
