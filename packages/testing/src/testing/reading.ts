import { describe, expect, test } from "vitest";
import { User, path, textsOf, typesOf, uniqueName } from "./user.js";
import type { Server } from "./user.js";

const FORBIDDEN = { status: 403, body: { errcode: "M_FORBIDDEN" } };
const NOT_FOUND = { status: 404, body: { errcode: "M_NOT_FOUND" } };

const roomWithVisibility = (
  user: User,
  visibility: string,
  body: object = { preset: "public_chat" },
): Promise<string> =>
  user.createRoom({
    ...body,
    initial_state: [{ type: "m.room.history_visibility", content: { history_visibility: visibility } }],
  });

/** Reading the past of a room, and who may. */
export function reading(server: Server): void {
  const twoUsers = async (): Promise<[User, User]> => [await User.register(server), await User.register(server)];

  describe("pages of messages", () => {
    test("go back from the newest event, ten at a time", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      await user.sendNumbers(roomId, 1, 12);
      const page = await user.messages(roomId, { dir: "b" });
      expect(textsOf(page.chunk)).toEqual(["12", "11", "10", "9", "8", "7", "6", "5", "4", "3"]);
    });

    test("join up without holes and overlaps, back to the first event", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      await user.sendNumbers(roomId, 1, 5);
      const all = (await user.messages(roomId, { dir: "b", limit: "100" })).chunk.map((event) => event.event_id);
      const paged: string[] = [];
      let from: string | undefined;
      do {
        const page = await user.messages(roomId, { dir: "b", limit: "3", ...(from !== undefined && { from }) });
        if (from !== undefined) expect(page.start).toBe(from);
        paged.push(...page.chunk.map((event) => event.event_id));
        from = page.end;
      } while (from !== undefined);
      expect(paged).toEqual(all);
      expect(all.length).toBe(11);
    });

    test("go forth from the first event, too", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      await user.sendNumbers(roomId, 1, 3);
      const first = await user.messages(roomId, { dir: "f", limit: "7" });
      expect(typesOf(first.chunk)[0]).toBe("m.room.create");
      expect(textsOf(first.chunk)).toEqual(["1"]);
      const second = await user.messages(roomId, { dir: "f", from: first.end ?? "", limit: "7" });
      expect(textsOf(second.chunk)).toEqual(["2", "3"]);
      const third = await user.messages(roomId, { dir: "f", from: second.end ?? "" });
      expect(third.chunk).toEqual([]);
      expect(third).not.toHaveProperty("end");
    });

    test("stop where they are told to", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      await user.sendNumbers(roomId, 1, 2);
      const { next_batch: to } = await user.sync();
      await user.sendNumbers(roomId, 3, 5);
      const page = await user.messages(roomId, { dir: "b", to, limit: "50" });
      expect(textsOf(page.chunk)).toEqual(["5", "4", "3"]);
    });

    test("have only what the filter lets through", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom({ name: "Name" });
      await user.sendNumbers(roomId, 1, 2);
      const filter = JSON.stringify({ types: ["m.room.mess*"], not_senders: ["@nobody:example.org"] });
      const page = await user.messages(roomId, { dir: "b", filter, limit: "50" });
      expect(typesOf(page.chunk)).toEqual(["m.room.message", "m.room.message"]);
    });

    test.each([
      ["dir=sideways", "M_INVALID_PARAM"],
      ["dir=b&from=nonsense", "M_UNKNOWN"],
      ["dir=b&limit=many", "M_INVALID_PARAM"],
      ["dir=b&limit=-1", "M_INVALID_PARAM"],
      ["dir=b&filter=nonsense", "M_NOT_JSON"],
    ])("refuse ?%s", async (query, errcode) => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const reply = await user.get(`${path`/rooms/${roomId}/messages`}?${query}`);
      expect(reply).toMatchObject({ status: 400, body: { errcode } });
    });
  });

  describe("a room", () => {
    test("is closed to who was never in it, as is one that does not exist", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      const eventId = await alice.send(roomId, "Secret");
      for (const target of [roomId, `!${uniqueName()}:${bob.serverName}`]) {
        expect(await bob.get(path`/rooms/${target}/state`)).toMatchObject(FORBIDDEN);
        expect(await bob.get(path`/rooms/${target}/state/m.room.name`)).toMatchObject(FORBIDDEN);
        expect(await bob.get(`${path`/rooms/${target}/messages`}?dir=b`)).toMatchObject(FORBIDDEN);
        expect(await bob.get(path`/rooms/${target}/event/${eventId}`)).toMatchObject(NOT_FOUND);
      }
    });

    test("is closed to who is invited only", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ invite: [bob.userId] });
      expect(await bob.get(path`/rooms/${roomId}/state`)).toMatchObject(FORBIDDEN);
      expect(await bob.get(`${path`/rooms/${roomId}/messages`}?dir=b`)).toMatchObject(FORBIDDEN);
    });

    test("has no event that was never sent", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      expect(await user.get(path`/rooms/${roomId}/event/$nonsense`)).toMatchObject(NOT_FOUND);
    });

    test("stays for who has left as it was when they left", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat", name: "Before" });
      await bob.join(roomId);
      await alice.send(roomId, "Before");
      await bob.leave(roomId);
      await alice.send(roomId, "After");
      await alice.setState(roomId, "m.room.name", "", { name: "After" });
      const { chunk } = await bob.messages(roomId, { dir: "b", limit: "3" });
      expect(typesOf(chunk)).toEqual(["m.room.member leave", "m.room.message", "m.room.member join"]);
      expect((await bob.get(path`/rooms/${roomId}/state/m.room.name`)).body).toEqual({ name: "Before" });
    });

    test("is closed to who is banned", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      await alice.ban(roomId, bob);
      expect(await bob.get(path`/rooms/${roomId}/state`)).toMatchObject(FORBIDDEN);
      expect(await bob.get(`${path`/rooms/${roomId}/messages`}?dir=b`)).toMatchObject(FORBIDDEN);
    });
  });

  describe("history that is", () => {
    test("shared shows to members from the beginning", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await roomWithVisibility(alice, "shared");
      await alice.send(roomId, "Before");
      await bob.join(roomId);
      expect(textsOf((await bob.messages(roomId, { dir: "b", limit: "20" })).chunk)).toEqual(["Before"]);
    });

    test("for the joined shows from joining on", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await roomWithVisibility(alice, "joined");
      const hidden = await alice.send(roomId, "Before");
      await bob.join(roomId);
      const shown = await alice.send(roomId, "After");
      expect(textsOf((await bob.messages(roomId, { dir: "b", limit: "20" })).chunk)).toEqual(["After"]);
      expect(await bob.get(path`/rooms/${roomId}/event/${hidden}`)).toMatchObject(NOT_FOUND);
      expect(await bob.get(path`/rooms/${roomId}/event/${shown}`)).toMatchObject({ status: 200 });
      const { rooms } = await bob.sync();
      expect(textsOf(rooms?.join?.[roomId]?.timeline.events ?? [])).toEqual(["After"]);
    });

    test("narrowed shows the event that has narrowed it, and what was before", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await roomWithVisibility(alice, "joined");
      await alice.send(roomId, "Hidden");
      await bob.join(roomId);
      const { chunk } = await bob.messages(roomId, { dir: "f", limit: "20" });
      expect(typesOf(chunk)).toEqual([
        "m.room.create",
        "m.room.member join",
        "m.room.power_levels",
        "m.room.join_rules",
        "m.room.history_visibility",
        "m.room.member join",
      ]);
    });

    test("for the invited shows from the invitation on", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await roomWithVisibility(alice, "invited", { preset: "private_chat" });
      await alice.send(roomId, "Before");
      await alice.invite(roomId, bob);
      await alice.send(roomId, "Between");
      await bob.join(roomId);
      expect(textsOf((await bob.messages(roomId, { dir: "b", limit: "20" })).chunk)).toEqual(["Between"]);
    });

    test("readable by the world shows to everybody", async () => {
      const [alice, bob] = await twoUsers();
      const roomId = await roomWithVisibility(alice, "world_readable");
      const eventId = await alice.send(roomId, "Hello, world");
      expect(textsOf((await bob.messages(roomId, { dir: "b" })).chunk)).toEqual(["Hello, world"]);
      expect(await bob.get(path`/rooms/${roomId}/event/${eventId}`)).toMatchObject({ status: 200 });
      expect(await bob.get(path`/rooms/${roomId}/state/m.room.create`)).toMatchObject({ status: 200 });
    });
  });
}
