import { describe, expect, test } from "vitest";
import { PASSWORD, User, field, request, uniqueName } from "./user.js";
import type { Server } from "./user.js";

const UNKNOWN_TOKEN = { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", soft_logout: false } };
const WRONG_PASSWORD = { status: 403, body: { errcode: "M_FORBIDDEN", error: "Invalid username or password" } };

/** Finding the homeserver, registering, logging in and out. */
export function access(server: Server): void {
  describe("discovery", () => {
    test("tells its versions to everybody", async () => {
      const { status, body } = await request(server, "GET", "/_matrix/client/versions");
      expect(status).toBe(200);
      expect(body).toMatchObject({ versions: expect.arrayContaining(["v1.1", "v1.12"]) });
      expect(body).toHaveProperty("unstable_features");
    });

    test("has capabilities, for users only", async () => {
      const user = await User.register(server);
      const { body } = await user.get("/capabilities");
      expect(body).toMatchObject({
        capabilities: {
          "m.room_versions": { default: "11", available: { 11: "stable" } },
          "m.change_password": { enabled: true },
        },
      });
      expect(await request(server, "GET", "/capabilities")).toMatchObject({ status: 401 });
    });

    test("has push rules", async () => {
      const user = await User.register(server);
      const { body } = await user.get("/pushrules/");
      const override = expect.arrayContaining([expect.objectContaining({ rule_id: ".m.rule.master", enabled: false })]);
      expect(body).toMatchObject({ global: { override, content: expect.any(Array), room: [], sender: [] } });
    });
  });

  describe("registration", () => {
    test("asks for interactive authentication first", async () => {
      const body = { username: uniqueName(), password: PASSWORD };
      const first = await request(server, "POST", "/register", { body });
      expect(first.status).toBe(401);
      expect(first.body).toEqual({
        session: expect.any(String),
        flows: expect.arrayContaining([{ stages: ["m.login.dummy"] }]),
        params: {},
      });
      const auth = { type: "m.login.dummy", session: field(first, "session") };
      const second = await request(server, "POST", "/register", { body: { ...body, auth } });
      expect(second.status).toBe(200);
      expect(field(second, "user_id")).toMatch(new RegExp(`^@${body.username}:`));
    });

    test("logs the new user in, on the device asked for", async () => {
      const body = { username: uniqueName(), password: PASSWORD, device_id: "LAPTOP", auth: { type: "m.login.dummy" } };
      const reply = await request(server, "POST", "/register", { body });
      const whoami = await request(server, "GET", "/account/whoami", { accessToken: field(reply, "access_token") });
      expect(whoami.body).toEqual({ user_id: field(reply, "user_id"), device_id: "LAPTOP", is_guest: false });
    });

    test("does not log in when told not to", async () => {
      const auth = { type: "m.login.dummy" };
      const body = { username: uniqueName(), password: PASSWORD, inhibit_login: true, auth };
      const reply = await request(server, "POST", "/register", { body });
      expect(reply.status).toBe(200);
      expect(reply.body).not.toHaveProperty("access_token");
      expect(reply.body).not.toHaveProperty("device_id");
    });

    test("invents a name for who asks for none", async () => {
      const body = { password: PASSWORD, auth: { type: "m.login.dummy" } };
      const reply = await request(server, "POST", "/register", { body });
      expect(field(reply, "user_id")).toMatch(/^@\d+:/);
    });

    test("refuses a name that is taken, before anything else", async () => {
      const { localpart } = await User.register(server);
      const reply = await request(server, "POST", "/register", { body: { username: localpart, password: PASSWORD } });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_USER_IN_USE" } });
    });

    test("takes upper case for lower case", async () => {
      const { localpart } = await User.register(server);
      const reply = await request(server, "POST", "/register", { body: { username: localpart.toUpperCase() } });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_USER_IN_USE" } });
    });

    test.each(["with space", "häßlich", "", "_underscore", "12345", "a:b", "@a"])(
      "refuses the name %j",
      async (username) => {
        const reply = await request(server, "POST", "/register", { body: { username, password: PASSWORD } });
        expect(reply).toMatchObject({ status: 400, body: { errcode: "M_INVALID_USERNAME" } });
      },
    );

    test("refuses guests", async () => {
      const reply = await request(server, "POST", "/register?kind=guest", { body: {} });
      expect(reply).toMatchObject({ status: 403 });
    });

    test("refuses a registration without a password", async () => {
      const body = { username: uniqueName(), auth: { type: "m.login.dummy" } };
      const reply = await request(server, "POST", "/register", { body });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_MISSING_PARAM" } });
    });

    test("refuses an authentication session that it did not start", async () => {
      const auth = { type: "m.login.dummy", session: "nobody's" };
      const reply = await request(server, "POST", "/register", {
        body: { username: uniqueName(), password: "p", auth },
      });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_UNKNOWN" } });
    });
  });

  describe("login", () => {
    test("tells its flows", async () => {
      const { body } = await request(server, "GET", "/login");
      const flows = expect.arrayContaining([
        { type: "m.login.password" },
        expect.objectContaining({ type: "m.login.token" }),
      ]);
      expect(body).toEqual({ flows });
    });

    test.each([
      ["a localpart", (user: User) => ({ identifier: { type: "m.id.user", user: user.localpart } })],
      ["a user ID", (user: User) => ({ identifier: { type: "m.id.user", user: user.userId } })],
      [
        "a localpart in upper case",
        (user: User) => ({ identifier: { type: "m.id.user", user: user.localpart.toUpperCase() } }),
      ],
      ["the old user field", (user: User) => ({ user: user.localpart })],
    ])("takes %s and the password", async (_, named) => {
      const user = await User.register(server);
      const body = { type: "m.login.password", password: PASSWORD, ...named(user) };
      const reply = await request(server, "POST", "/login", { body });
      expect(reply.status).toBe(200);
      expect(field(reply, "user_id")).toBe(user.userId);
      expect(field(reply, "device_id")).not.toBe(user.deviceId);
      expect(field(reply, "access_token")).not.toBe(user.accessToken);
    });

    test("makes the device that is asked for", async () => {
      const user = await User.register(server);
      expect(await user.logIn("PHONE")).toMatchObject({ userId: user.userId, deviceId: "PHONE" });
    });

    test("keeps the other devices logged in", async () => {
      const user = await User.register(server);
      await user.logIn();
      expect(await user.get("/account/whoami")).toMatchObject({ status: 200, body: { device_id: user.deviceId } });
    });

    test("refuses a wrong password and an unknown user alike", async () => {
      const { localpart } = await User.register(server);
      const type = "m.login.password";
      for (const [user, password] of [
        [localpart, "wrong"],
        [uniqueName(), PASSWORD],
        [`@${localpart}:elsewhere.example`, PASSWORD],
      ]) {
        const reply = await request(server, "POST", "/login", {
          body: { type, identifier: { type: "m.id.user", user }, password },
        });
        expect(reply).toMatchObject(WRONG_PASSWORD);
      }
    });

    test("refuses an address that nobody has", async () => {
      const identifier = { type: "m.id.thirdparty", medium: "email", address: "nobody@example.org" };
      const body = { type: "m.login.password", identifier, password: PASSWORD };
      expect(await request(server, "POST", "/login", { body })).toMatchObject(WRONG_PASSWORD);
    });

    test.each([
      [{ type: "m.login.wat" }, "M_INVALID_PARAM"],
      [{}, "M_UNKNOWN"],
      [{ type: "m.login.password", user: "a" }, "M_INVALID_PARAM"],
      [{ type: "m.login.password", password: "p" }, "M_INVALID_PARAM"],
      [{ type: "m.login.password", identifier: { type: "m.id.wat" }, password: "p" }, "M_UNKNOWN"],
      [{ type: "m.login.password", identifier: { type: "m.id.user" }, password: "p" }, "M_UNKNOWN"],
      [{ type: "m.login.password", identifier: { type: "m.id.thirdparty" }, password: "p" }, "M_UNKNOWN"],
      [{ type: "m.login.token" }, "M_UNKNOWN"],
    ])("refuses %j with %s", async (body, errcode) => {
      expect(await request(server, "POST", "/login", { body })).toMatchObject({ status: 400, body: { errcode } });
    });

    test("takes a login token once", async () => {
      const user = await User.register(server);
      const token = field(await user.post("/_matrix/client/v1/login/get_token"), "login_token");
      const body = { type: "m.login.token", token };
      expect(await request(server, "POST", "/login", { body })).toMatchObject({ body: { user_id: user.userId } });
      expect(await request(server, "POST", "/login", { body })).toMatchObject({
        status: 403,
        body: { errcode: "M_FORBIDDEN" },
      });
    });
  });

  describe("access tokens", () => {
    test("are asked for", async () => {
      const reply = await request(server, "GET", "/account/whoami");
      expect(reply).toMatchObject({ status: 401, body: { errcode: "M_MISSING_TOKEN" } });
    });

    test("are asked for in the form of a bearer token", async () => {
      const reply = await request(server, "GET", "/account/whoami", { headers: { authorization: "Basic abc" } });
      expect(reply).toMatchObject({ status: 401, body: { errcode: "M_MISSING_TOKEN" } });
    });

    test("are refused when nobody has them, without a soft logout", async () => {
      const reply = await request(server, "GET", "/account/whoami", { accessToken: "nobody's" });
      expect(reply).toMatchObject(UNKNOWN_TOKEN);
    });

    test("come before the body", async () => {
      const reply = await request(server, "POST", "/createRoom", { text: "{" });
      expect(reply).toMatchObject({ status: 401, body: { errcode: "M_MISSING_TOKEN" } });
    });

    test("tell who they stand for", async () => {
      const user = await User.register(server);
      const { body } = await user.get("/account/whoami");
      expect(body).toEqual({ user_id: user.userId, device_id: user.deviceId, is_guest: false });
    });

    test("end with the logout of their device, and of no other", async () => {
      const user = await User.register(server);
      const other = await user.logIn();
      expect(await user.post("/logout")).toMatchObject({ status: 200, body: {} });
      expect(await user.get("/account/whoami")).toMatchObject(UNKNOWN_TOKEN);
      expect(await user.post("/logout")).toMatchObject(UNKNOWN_TOKEN);
      expect(await other.get("/account/whoami")).toMatchObject({ status: 200 });
    });

    test("end on all devices with one request", async () => {
      const user = await User.register(server);
      const other = await user.logIn();
      expect(await other.post("/logout/all")).toMatchObject({ status: 200, body: {} });
      expect(await user.get("/account/whoami")).toMatchObject(UNKNOWN_TOKEN);
      expect(await other.get("/account/whoami")).toMatchObject(UNKNOWN_TOKEN);
    });
  });

  describe("profiles", () => {
    test("begin with the localpart as the display name", async () => {
      const user = await User.register(server);
      expect(await user.get(`/profile/${user.userId}/displayname`)).toMatchObject({
        body: { displayname: user.localpart },
      });
    });

    test("tell a changed display name to everybody", async () => {
      const user = await User.register(server);
      expect(await user.put(`/profile/${user.userId}/displayname`, { displayname: "Alice ☃" })).toMatchObject({
        status: 200,
      });
      expect(await request(server, "GET", `/profile/${user.userId}`)).toMatchObject({
        body: { displayname: "Alice ☃" },
      });
    });

    test("show a changed display name in the user's rooms", async () => {
      const [alice, bob] = [await User.register(server), await User.register(server)];
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      const { next_batch: since } = await bob.sync();
      await alice.put(`/profile/${alice.userId}/displayname`, { displayname: "Alice" });
      const synced = await bob.sync({ since, timeoutMs: 5000 });
      expect(synced.rooms?.join?.[roomId]?.timeline.events).toMatchObject([
        { state_key: alice.userId, content: { membership: "join", displayname: "Alice" } },
      ]);
    });

    test("are changed by nobody else", async () => {
      const [alice, bob] = [await User.register(server), await User.register(server)];
      const reply = await bob.put(`/profile/${alice.userId}/displayname`, { displayname: "Bob" });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_FORBIDDEN" } });
    });

    test("refuse a display name that is none", async () => {
      const user = await User.register(server);
      const target = `/profile/${user.userId}/displayname`;
      expect(await user.put(target, {})).toMatchObject({ status: 400, body: { errcode: "M_MISSING_PARAM" } });
      expect(await user.put(target, { displayname: 5 })).toMatchObject({
        status: 400,
        body: { errcode: "M_INVALID_PARAM" },
      });
    });

    test("are not there for who does not exist", async () => {
      const user = await User.register(server);
      const reply = await user.get(`/profile/@${uniqueName()}:${user.serverName}/displayname`);
      expect(reply).toMatchObject({ status: 404, body: { errcode: "M_NOT_FOUND" } });
    });
  });
}
