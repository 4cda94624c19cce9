import { describe, expect, test } from "vitest";
import { PASSWORD, User, field, path, request, uniqueName } from "./user.js";
import type { Reply, Server } from "./user.js";

/** What only an administrator of the server can do to a user. */
export interface Moderator {
  lockUser(userId: string): void | Promise<void>;
  unlockUser(userId: string): void | Promise<void>;
  suspendUser(userId: string): void | Promise<void>;
  unsuspendUser(userId: string): void | Promise<void>;
}

const LOCKED = { status: 401, body: { errcode: "M_USER_LOCKED", soft_logout: true } };
const SUSPENDED = { status: 403, body: { errcode: "M_USER_SUSPENDED" } };

/** Accounts that are locked or suspended. */
export function moderation(server: Server, moderator: () => Moderator): void {
  const logIn = (user: User, password = PASSWORD): Promise<Reply> =>
    request(server, "POST", "/login", {
      body: {
        type: "m.login.password",
        identifier: { type: "m.id.user", user: user.userId },
        password,
        refresh_token: true,
      },
    });

  describe("a locked account", () => {
    test("is refused everywhere, until it is unlocked", async () => {
      const user = await User.register(server);
      await moderator().lockUser(user.userId);
      expect(await user.get("/account/whoami")).toMatchObject(LOCKED);
      expect(await user.get("/sync")).toMatchObject(LOCKED);
      expect(await user.post("/createRoom")).toMatchObject(LOCKED);
      await moderator().unlockUser(user.userId);
      expect(await user.get("/account/whoami")).toMatchObject({ status: 200 });
    });

    test("is not logged in to, but by who has a wrong password", async () => {
      const user = await User.register(server);
      await moderator().lockUser(user.userId);
      expect(await logIn(user)).toMatchObject(LOCKED);
      expect(await logIn(user, "wrong")).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
    });

    test("is refreshed", async () => {
      const user = await User.register(server);
      const tokens = await logIn(user);
      await moderator().lockUser(user.userId);
      const body = { refresh_token: field(tokens, "refresh_token") };
      expect(await request(server, "POST", "/refresh", { body })).toMatchObject({ status: 200 });
    });

    test.each(["/logout", "/logout/all"])("leaves by %s", async (target) => {
      const user = await User.register(server);
      await moderator().lockUser(user.userId);
      expect(await user.post(target)).toMatchObject({ status: 200 });
      expect(await user.post(target)).toMatchObject({ status: 401, body: { errcode: "M_UNKNOWN_TOKEN" } });
    });
  });

  describe("a suspended account", () => {
    test("does not send, create, join, invite, ban, or change its profile, until it is no more", async () => {
      const [user, other] = [await User.register(server), await User.register(server)];
      const own = await user.createRoom({ preset: "public_chat" });
      const others = await other.createRoom({ preset: "public_chat" });
      const profile = path`/profile/${user.userId}/displayname`;
      const attempts: (() => Promise<Reply>)[] = [
        () => user.trySend(own, "Hello"),
        () => user.setState(own, "m.room.topic", "", { topic: "Nothing" }),
        () => user.post("/createRoom", {}),
        () => user.join(others),
        () => user.invite(own, other),
        () => user.ban(own, other),
        () => user.put(profile, { displayname: "Alice" }),
      ];
      await moderator().suspendUser(user.userId);
      for (const attempt of attempts) expect(await attempt()).toMatchObject(SUSPENDED);
      await moderator().unsuspendUser(user.userId);
      for (const attempt of attempts) expect(await attempt()).toMatchObject({ status: 200 });
    });

    test("gets the event of a transaction that it has sent before", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const eventId = await user.send(roomId, "Hello", "txn");
      await moderator().suspendUser(user.userId);
      expect(await user.send(roomId, "Hello", "txn")).toBe(eventId);
    });

    test("keeps its profile, in a room or not", async () => {
      const user = await User.register(server);
      const profile = path`/profile/${user.userId}/displayname`;
      await moderator().suspendUser(user.userId);
      expect(await user.put(profile, { displayname: "Alice" })).toMatchObject(SUSPENDED);
      expect(await user.get(profile)).toMatchObject({ body: { displayname: user.localpart } });
    });

    test("redacts what it has sent, and nothing else", async () => {
      const [user, other] = [await User.register(server), await User.register(server)];
      const roomId = await user.createRoom({ preset: "public_chat" });
      await other.join(roomId);
      const [own, others] = [await user.send(roomId, "Mine"), await other.send(roomId, "Theirs")];
      await moderator().suspendUser(user.userId);
      const redact = (eventId: string): Promise<Reply> =>
        user.put(path`/rooms/${roomId}/redact/${eventId}/${uniqueName()}`, {});
      expect(await redact(own)).toMatchObject({ status: 200 });
      expect(await redact(others)).toMatchObject(SUSPENDED);
      expect(await redact("$nobody-has-sent-it")).toMatchObject({ status: 200 });
    });

    test("reads, logs in, kicks, leaves and logs out", async () => {
      const [user, other] = [await User.register(server), await User.register(server)];
      const roomId = await user.createRoom({ preset: "public_chat" });
      await other.join(roomId);
      await moderator().suspendUser(user.userId);
      expect(await user.get("/sync")).toMatchObject({ status: 200 });
      expect(await user.get(path`/rooms/${roomId}/messages` + "?dir=b")).toMatchObject({ status: 200 });
      expect(await logIn(user)).toMatchObject({ status: 200 });
      expect(await user.kick(roomId, other)).toMatchObject({ status: 200 });
      expect(await user.leave(roomId)).toMatchObject({ status: 200 });
      expect(await user.post("/logout")).toMatchObject({ status: 200 });
    });
  });
}
