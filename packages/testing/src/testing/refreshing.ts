import { describe, expect, test } from "vitest";
import { PASSWORD, User, field, request, uniqueName } from "./user.js";
import type { Reply, Server } from "./user.js";

const UNKNOWN_TOKEN = { status: 401, body: { errcode: "M_UNKNOWN_TOKEN" } };
const USED_UP = { status: 403, body: { errcode: "M_FORBIDDEN", error: "refresh token isn't valid anymore" } };

/** Access tokens that end, and refresh tokens. */
export function refreshing(server: Server): void {
  const logIn = async (user: User, deviceId?: string): Promise<Reply> =>
    request(server, "POST", "/login", {
      body: {
        type: "m.login.password",
        identifier: { type: "m.id.user", user: user.userId },
        password: PASSWORD,
        refresh_token: true,
        device_id: deviceId,
      },
    });
  const start = async (): Promise<Reply> => logIn(await User.register(server));
  const refresh = (reply: Reply): Promise<Reply> =>
    request(server, "POST", "/refresh", { body: { refresh_token: field(reply, "refresh_token") } });
  const use = (reply: Reply): Promise<Reply> =>
    request(server, "GET", "/account/whoami", { accessToken: field(reply, "access_token") });

  describe("refresh tokens", () => {
    test("are given to a login that asks for one, with how long the access token lives", async () => {
      const { body } = await start();
      expect(body).toMatchObject({ refresh_token: expect.any(String), expires_in_ms: expect.any(Number) });
    });

    test("are given to a registration that asks for one", async () => {
      const body = { username: uniqueName(), password: PASSWORD, refresh_token: true, auth: { type: "m.login.dummy" } };
      const registered = await request(server, "POST", "/register", { body });
      expect(registered.body).toMatchObject({ expires_in_ms: expect.any(Number) });
      expect(await refresh(registered)).toMatchObject({ status: 200 });
    });

    test("are given to nobody else", async () => {
      const user = await User.register(server);
      const identifier = { type: "m.id.user", user: user.userId };
      const body = { type: "m.login.password", identifier, password: PASSWORD, refresh_token: false };
      expect((await request(server, "POST", "/login", { body })).body).not.toHaveProperty("refresh_token");
    });

    test.each(["/login", "/register"])("are asked for by true or false in %s", async (target) => {
      const body = { type: "m.login.password", refresh_token: "yes" };
      expect(await request(server, "POST", target, { body })).toMatchObject({
        status: 400,
        body: { errcode: "M_UNKNOWN" },
      });
    });

    test("give new tokens for the same device", async () => {
      const first = await start();
      const second = await refresh(first);
      expect(second.status).toBe(200);
      expect(second.body).toEqual({
        access_token: expect.any(String),
        refresh_token: expect.any(String),
        expires_in_ms: expect.any(Number),
      });
      for (const name of ["access_token", "refresh_token"]) expect(field(second, name)).not.toBe(field(first, name));
      expect(await use(second)).toMatchObject({ body: { device_id: field(first, "device_id") } });
    });

    test("leave the access token before alone", async () => {
      const first = await start();
      await refresh(first);
      expect(await use(first)).toMatchObject({ status: 200 });
    });

    test("give tokens twice, of which only the last ones live", async () => {
      const first = await start();
      const [lost, second] = [await refresh(first), await refresh(first)];
      expect(second).toMatchObject({ status: 200 });
      expect(await use(lost)).toMatchObject({ status: 401, body: { errcode: "M_UNKNOWN_TOKEN", soft_logout: false } });
      expect(await refresh(lost)).toMatchObject(UNKNOWN_TOKEN);
      expect(await use(second)).toMatchObject({ status: 200 });
      expect(await refresh(second)).toMatchObject({ status: 200 });
    });

    test("are worth nothing when the access token after them has been used", async () => {
      const first = await start();
      const second = await refresh(first);
      await use(second);
      expect(await refresh(first)).toMatchObject(USED_UP);
      expect(await use(second)).toMatchObject({ status: 200 });
    });

    test("are worth nothing when the refresh token after them has been used", async () => {
      const first = await start();
      const third = await refresh(await refresh(first));
      expect(await refresh(first)).toMatchObject(UNKNOWN_TOKEN);
      expect(await use(third)).toMatchObject({ status: 200 });
    });

    test("are asked for", async () => {
      const reply = await request(server, "POST", "/refresh", { body: {} });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_MISSING_PARAM" } });
    });

    test("are text", async () => {
      const reply = await request(server, "POST", "/refresh", { body: { refresh_token: 5 } });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_INVALID_PARAM" } });
    });

    test("are refused when nobody has them", async () => {
      const reply = await request(server, "POST", "/refresh", { body: { refresh_token: "nobody's" } });
      expect(reply).toMatchObject(UNKNOWN_TOKEN);
    });

    test.each(["/logout", "/logout/all"])("end with %s", async (target) => {
      const first = await start();
      const second = await refresh(first);
      const accessToken = field(second, "access_token");
      expect(await request(server, "POST", target, { accessToken, body: {} })).toMatchObject({ status: 200 });
      expect(await refresh(first)).toMatchObject(UNKNOWN_TOKEN);
      expect(await refresh(second)).toMatchObject(UNKNOWN_TOKEN);
    });

    test("of two logins on one device live side by side", async () => {
      const user = await User.register(server);
      const [one, other] = [await logIn(user, "PHONE"), await logIn(user, "PHONE")];
      expect(await use(await refresh(one))).toMatchObject({ body: { device_id: "PHONE" } });
      expect(await use(await refresh(other))).toMatchObject({ body: { device_id: "PHONE" } });
    });
  });
}
