import { describe, expect, test } from "vitest";
import { PASSWORD, User, field, path, request, uniqueName } from "./user.js";
import type { Reply, Server } from "./user.js";

const DUMMY = { type: "m.login.dummy" };
const PASSWORD_FLOW = [{ stages: ["m.login.password"] }];
const ENDED = { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", soft_logout: false } };
const ANOTHER_REQUEST = { status: 403, body: { errcode: "M_UNKNOWN" } };

/** Proving who one is before something is done. */
export function authenticating(server: Server): void {
  const register = (body: object): Promise<Reply> => request(server, "POST", "/register", { body });
  const changePassword = (user: User, auth?: object, more: object = {}): Promise<Reply> =>
    user.post("/account/password", { new_password: "battery staple", auth, ...more });
  const deactivate = (user: User, auth?: object): Promise<Reply> => user.post("/account/deactivate", { auth });
  const logIn = ({ userId }: User, password: string): Promise<Reply> => {
    const identifier = { type: "m.id.user", user: userId };
    return request(server, "POST", "/login", { body: { type: "m.login.password", identifier, password } });
  };

  describe("interactive authentication", () => {
    test("tells the flows and starts a session", async () => {
      const reply = await changePassword(await User.register(server));
      expect(reply.status).toBe(401);
      expect(reply.body).toEqual({ session: expect.any(String), flows: PASSWORD_FLOW, params: {} });
    });

    test("starts another session for each request without one", async () => {
      const user = await User.register(server);
      const [one, other] = [await changePassword(user), await changePassword(user, {})];
      expect(field(other, "session")).not.toBe(field(one, "session"));
    });

    test("tells what is completed when nothing is tried", async () => {
      const user = await User.register(server);
      const session = field(await changePassword(user), "session");
      const reply = await changePassword(user, { session });
      expect(reply.status).toBe(401);
      expect(reply.body).toEqual({ session, flows: PASSWORD_FLOW, params: {}, completed: [] });
    });

    test("tells why a stage has failed, and lets it be tried again", async () => {
      const user = await User.register(server);
      const session = field(await changePassword(user), "session");
      const reply = await changePassword(user, { ...user.proof("wrong"), session });
      expect(reply.status).toBe(401);
      expect(reply.body).toEqual({
        session,
        flows: PASSWORD_FLOW,
        params: {},
        completed: [],
        errcode: "M_FORBIDDEN",
        error: "Invalid username or password",
      });
      expect(await changePassword(user, { ...user.proof(), session })).toMatchObject({ status: 200 });
    });

    test("remembers a stage that has been passed, even where no flow has it", async () => {
      const user = await User.register(server);
      const session = field(await changePassword(user), "session");
      const reply = await changePassword(user, { ...DUMMY, session });
      expect(reply).toMatchObject({ status: 401, body: { session, completed: ["m.login.dummy"] } });
    });

    test("takes a stage without a session", async () => {
      const user = await User.register(server);
      expect(await changePassword(user, user.proof())).toMatchObject({ status: 200 });
    });

    test("starts a session where the first stage fails", async () => {
      const user = await User.register(server);
      const session = field(await changePassword(user, user.proof("wrong")), "session");
      expect(await changePassword(user, { ...user.proof(), session })).toMatchObject({ status: 200 });
    });

    test("refuses a session that it did not start", async () => {
      const user = await User.register(server);
      const reply = await changePassword(user, { ...user.proof(), session: "nobody's" });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_UNKNOWN" } });
    });

    test("keeps a session for one endpoint, and for one query", async () => {
      const user = await User.register(server);
      const session = field(await changePassword(user), "session");
      expect(await deactivate(user, { ...user.proof(), session })).toMatchObject(ANOTHER_REQUEST);
      const body = { new_password: "x", auth: { ...user.proof(), session } };
      expect(await user.post("/account/password?a=b", body)).toMatchObject(ANOTHER_REQUEST);
    });

    test("refuses the password of somebody else", async () => {
      const [user, other] = [await User.register(server), await User.register(server)];
      const reply = await changePassword(user, other.proof());
      expect(reply).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
    });

    test.each([
      [{ type: 5 }, "M_BAD_JSON"],
      [{ type: "m.login.dummy", session: 5 }, "M_BAD_JSON"],
      [{ type: "m.login.wat" }, "M_INVALID_PARAM"],
      [{ type: "m.login.password" }, "M_INVALID_PARAM"],
    ])("refuses %j with %s", async (auth, errcode) => {
      const reply = await changePassword(await User.register(server), auth);
      expect(reply).toMatchObject({ status: 400, body: { errcode } });
    });

    test("comes after the access token", async () => {
      const reply = await request(server, "POST", "/account/deactivate", { body: {} });
      expect(reply).toMatchObject({ status: 401, body: { errcode: "M_MISSING_TOKEN" } });
    });
  });

  describe("interactive registration", () => {
    test("need not be told everything again", async () => {
      const username = uniqueName();
      const session = field(await register({ username, password: PASSWORD, device_id: "LAPTOP" }), "session");
      const reply = await register({ auth: { ...DUMMY, session } });
      expect(reply).toMatchObject({ status: 200, body: { device_id: "LAPTOP" } });
      expect(field(reply, "user_id")).toMatch(new RegExp(`^@${username}:`));
    });

    test("does what it was told last", async () => {
      const body = { username: uniqueName(), password: PASSWORD, device_id: "LAPTOP" };
      const auth = { ...DUMMY, session: field(await register(body), "session") };
      const reply = await register({ ...body, device_id: "PHONE", auth });
      expect(reply).toMatchObject({ status: 200, body: { device_id: "PHONE" } });
    });

    test("can be repeated when the answer was lost", async () => {
      const body = { username: uniqueName(), password: PASSWORD };
      const auth = { ...DUMMY, session: field(await register(body), "session") };
      const [first, second] = [await register({ ...body, auth }), await register({ ...body, auth })];
      expect(second).toMatchObject({ status: 200, body: { user_id: field(first, "user_id") } });
      expect(field(second, "access_token")).not.toBe(field(first, "access_token"));
    });

    test("makes one account in a session", async () => {
      const body = { username: uniqueName(), password: PASSWORD };
      const auth = { ...DUMMY, session: field(await register(body), "session") };
      await register({ ...body, auth });
      const reply = await register({ ...body, username: uniqueName(), auth });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_UNKNOWN" } });
    });

    test("knows which registration tokens there are", async () => {
      const target = "/_matrix/client/v1/register/m.login.registration_token/validity";
      expect(await request(server, "GET", `${target}?token=nobody`)).toMatchObject({ body: { valid: false } });
      expect(await request(server, "GET", target)).toMatchObject({
        status: 400,
        body: { errcode: "M_MISSING_PARAM" },
      });
    });
  });

  describe("a changed password", () => {
    test("is the one to log in with", async () => {
      const user = await User.register(server);
      await changePassword(user, user.proof());
      expect(await logIn(user, PASSWORD)).toMatchObject({ status: 403 });
      expect(await logIn(user, "battery staple")).toMatchObject({ status: 200 });
    });

    test("logs out the other devices, and leaves this one", async () => {
      const user = await User.register(server);
      const other = await user.logIn();
      await changePassword(user, user.proof());
      expect(await other.get("/account/whoami")).toMatchObject(ENDED);
      expect(await user.get("/account/whoami")).toMatchObject({ status: 200 });
    });

    test("leaves the other devices when told to", async () => {
      const user = await User.register(server);
      const other = await user.logIn();
      await changePassword(user, user.proof(), { logout_devices: false });
      expect(await other.get("/account/whoami")).toMatchObject({ status: 200 });
    });

    test.each([{ logout_devices: "no" }, { new_password: 5 }])("is not made by %j", async (more) => {
      const user = await User.register(server);
      const reply = await changePassword(user, user.proof(), more);
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_BAD_JSON" } });
      expect(await logIn(user, PASSWORD)).toMatchObject({ status: 200 });
    });
  });

  describe("a deactivated account", () => {
    test("is logged out for good, and logged in to no more", async () => {
      const user = await User.register(server);
      expect(await deactivate(user, user.proof())).toMatchObject({
        status: 200,
        body: { id_server_unbind_result: "success" },
      });
      expect(await user.get("/account/whoami")).toMatchObject(ENDED);
      expect(await logIn(user, PASSWORD)).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
    });

    test("leaves its rooms, and its name to nobody", async () => {
      const [user, other] = [await User.register(server), await User.register(server)];
      const roomId = await user.createRoom({ preset: "public_chat" });
      await other.join(roomId);
      await deactivate(user, user.proof());
      // Homeservers may take their time.
      const target = path`/rooms/${roomId}/state/m.room.member/${user.userId}`;
      await expect.poll(() => other.get(target), { timeout: 10_000 }).toMatchObject({ body: { membership: "leave" } });
      const again = await register({ username: user.localpart, password: PASSWORD });
      expect(again).toMatchObject({ status: 400, body: { errcode: "M_USER_IN_USE" } });
    });
  });

  describe("devices", () => {
    test("are listed, with the names that they were given", async () => {
      const user = await User.register(server);
      const identifier = { type: "m.id.user", user: user.userId };
      const body = { type: "m.login.password", identifier, password: PASSWORD, device_id: "PHONE" };
      await request(server, "POST", "/login", { body: { ...body, initial_device_display_name: "My phone" } });
      const laptop = { device_id: user.deviceId, user_id: user.userId, display_name: null };
      const phone = { device_id: "PHONE", user_id: user.userId, display_name: "My phone" };
      const { body: listed } = await user.get<{ devices: unknown[] }>("/devices");
      expect(listed.devices).toHaveLength(2);
      expect(listed).toMatchObject({
        devices: expect.arrayContaining([expect.objectContaining(laptop), expect.objectContaining(phone)]),
      });
      expect(await user.get("/devices/PHONE")).toMatchObject({ status: 200, body: phone });
    });

    test("keep their names when they are logged in again, until they are renamed", async () => {
      const user = await User.register(server);
      const target = path`/devices/${user.deviceId}`;
      expect(await user.put(target, { display_name: "My laptop" })).toMatchObject({ status: 200, body: {} });
      expect(await user.put(target, {})).toMatchObject({ status: 200 });
      await user.logIn(user.deviceId);
      expect(await user.get(target)).toMatchObject({ body: { display_name: "My laptop" } });
    });

    test.each([
      [5, "M_BAD_JSON"],
      ["x".repeat(101), "M_TOO_LARGE"],
    ])("are not called %j", async (name, errcode) => {
      const user = await User.register(server);
      const reply = await user.put(path`/devices/${user.deviceId}`, { display_name: name });
      expect(reply).toMatchObject({ status: 400, body: { errcode } });
    });

    test("are not there when nobody is logged in on them", async () => {
      const user = await User.register(server);
      const unknown = { status: 404, body: { errcode: "M_NOT_FOUND" } };
      expect(await user.get("/devices/NONE")).toMatchObject(unknown);
      expect(await user.put("/devices/NONE", { display_name: "x" })).toMatchObject(unknown);
    });

    test("end with their sessions", async () => {
      const user = await User.register(server);
      await (await user.logIn("PHONE")).post("/logout");
      expect(await user.get("/devices/PHONE")).toMatchObject({ status: 404 });
    });

    test("are deleted one by one, which ends their sessions", async () => {
      const user = await User.register(server);
      const [phone, tablet] = [await user.logIn("PHONE"), await user.logIn("TABLET")];
      const reply = await request(server, "DELETE", "/devices/PHONE", {
        accessToken: user.accessToken,
        body: { auth: user.proof() },
      });
      expect(reply).toMatchObject({ status: 200, body: {} });
      expect(await phone.get("/account/whoami")).toMatchObject(ENDED);
      expect(await user.get("/devices/PHONE")).toMatchObject({ status: 404 });
      expect(await tablet.get("/devices/TABLET")).toMatchObject({ status: 200 });
    });

    test("are deleted together, those that nobody knows included", async () => {
      const user = await User.register(server);
      const [phone, tablet] = [await user.logIn("PHONE"), await user.logIn("TABLET")];
      const reply = await user.post("/delete_devices", { devices: ["PHONE", "TABLET", "NONE"], auth: user.proof() });
      expect(reply).toMatchObject({ status: 200, body: {} });
      expect(await phone.get("/account/whoami")).toMatchObject(ENDED);
      expect(await tablet.get("/account/whoami")).toMatchObject(ENDED);
      expect(await user.get("/account/whoami")).toMatchObject({ status: 200 });
    });

    test.each([
      [{}, "M_MISSING_PARAM"],
      [{ devices: "PHONE" }, "M_BAD_JSON"],
      [{ devices: [5] }, "M_BAD_JSON"],
    ])("are not deleted by %j", async (body, errcode) => {
      const user = await User.register(server);
      const reply = await user.post("/delete_devices", { ...body, auth: user.proof() });
      expect(reply).toMatchObject({ status: 400, body: { errcode } });
    });
  });
}
