import { expect, test } from "vitest";
import { PASSWORD, User, field, request, uniqueName } from "./testing/user.js";
import type { Reply, Server } from "./testing/user.js";
import { FakeHomeserver } from "./index.js";

const DUMMY = "m.login.dummy";
const TOKEN = "m.login.registration_token";

function register(server: Server, body: object): Promise<Reply> {
  return request(server, "POST", "/register", { body });
}

/** Starts a registration, and returns its authentication session. */
async function startRegistration(server: Server): Promise<string> {
  return field(await register(server, { username: uniqueName(), password: PASSWORD }), "session");
}

test("registration has the flows that it is told to have", async () => {
  await using homeserver = await FakeHomeserver.start({ registrationFlows: [["m.login.terms", DUMMY], [TOKEN]] });
  const { body } = await register(homeserver, { password: PASSWORD });
  expect(body).toMatchObject({ flows: [{ stages: ["m.login.terms", DUMMY] }, { stages: [TOKEN] }] });
});

test("registration goes from stage to stage, in any order, and knows what is completed", async () => {
  await using homeserver = await FakeHomeserver.start({ registrationTokens: ["let me in"] });
  const session = await startRegistration(homeserver);
  const first = await register(homeserver, { auth: { type: DUMMY, session } });
  expect(first).toMatchObject({
    status: 401,
    body: { session, flows: [{ stages: [TOKEN, DUMMY] }], completed: [DUMMY] },
  });
  expect(first.body).not.toHaveProperty("errcode");
  expect(await register(homeserver, { auth: { session } })).toMatchObject({ body: { completed: [DUMMY] } });
  const last = await register(homeserver, { auth: { type: TOKEN, token: "let me in", session } });
  expect(last).toMatchObject({ status: 200, body: { access_token: expect.any(String) } });
});

test("registration completes with the shortest flow that is passed", async () => {
  await using homeserver = await FakeHomeserver.start({ registrationFlows: [["m.login.terms", DUMMY], [DUMMY]] });
  expect((await User.register(homeserver)).userId).toMatch(/^@/);
});

test("another session has completed nothing", async () => {
  await using homeserver = await FakeHomeserver.start({ registrationTokens: ["let me in"] });
  const [one, other] = [await startRegistration(homeserver), await startRegistration(homeserver)];
  await register(homeserver, { auth: { type: TOKEN, token: "let me in", session: one } });
  const reply = await register(homeserver, { auth: { type: DUMMY, session: other } });
  expect(reply).toMatchObject({ status: 401, body: { completed: [DUMMY] } });
});

test.each([
  [{ token: "guessed" }, "M_UNAUTHORIZED"],
  [{ token: 5 }, "M_INVALID_PARAM"],
  [{}, "M_MISSING_PARAM"],
])("registration by %j fails with %s, and can be tried again", async (auth, errcode) => {
  await using homeserver = await FakeHomeserver.start({ registrationTokens: ["let me in"] });
  const session = await startRegistration(homeserver);
  await register(homeserver, { auth: { type: DUMMY, session } });
  const reply = await register(homeserver, { auth: { type: TOKEN, session, ...auth } });
  expect(reply).toMatchObject({ status: 401, body: { errcode, session, completed: [DUMMY] } });
  const again = { type: TOKEN, session, token: "let me in" };
  expect(await register(homeserver, { auth: again })).toMatchObject({ status: 200 });
});

test("a registration token needs a session", async () => {
  await using homeserver = await FakeHomeserver.start({ registrationTokens: ["let me in"] });
  const reply = await register(homeserver, { password: PASSWORD, auth: { type: TOKEN, token: "let me in" } });
  expect(reply).toMatchObject({ status: 401, body: { errcode: "M_MISSING_PARAM", completed: [] } });
});

test("whoever asks is told which registration tokens are valid", async () => {
  await using homeserver = await FakeHomeserver.start({ registrationTokens: ["let me in"] });
  const target = `/_matrix/client/v1/register/${TOKEN}/validity`;
  expect(await request(homeserver, "GET", `${target}?token=let+me+in`)).toMatchObject({ body: { valid: true } });
  expect(await request(homeserver, "GET", `${target}?token=guessed`)).toMatchObject({ body: { valid: false } });
});

test("a name that somebody else has taken in the meantime is refused", async () => {
  await using homeserver = await FakeHomeserver.start();
  const username = uniqueName();
  const session = field(await register(homeserver, { username, password: PASSWORD }), "session");
  homeserver.register(username, PASSWORD);
  const reply = await register(homeserver, { auth: { type: DUMMY, session } });
  expect(reply).toMatchObject({ status: 400, body: { errcode: "M_USER_IN_USE" } });
});

// A Synapse may pass over this for who has logged in a moment ago.
test.each([
  ["DELETE", "/devices/PHONE", {}],
  ["POST", "/delete_devices", { devices: ["PHONE"] }],
])("%s %s asks for the password first", async (method, target, body) => {
  await using homeserver = await FakeHomeserver.start();
  const user = await User.register(homeserver);
  const phone = await user.logIn("PHONE");
  const { accessToken } = user;
  const asked = await request(homeserver, method, target, { accessToken, body });
  expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ["m.login.password"] }] } });
  const wrong = { ...user.proof("wrong"), session: field(asked, "session") };
  const refused = await request(homeserver, method, target, { accessToken, body: { ...body, auth: wrong } });
  expect(refused).toMatchObject({ status: 401, body: { errcode: "M_FORBIDDEN" } });
  expect(await phone.get("/account/whoami")).toMatchObject({ status: 200 });
  const auth = { ...user.proof(), session: field(asked, "session") };
  expect(await request(homeserver, method, target, { accessToken, body: { ...body, auth } })).toMatchObject({
    status: 200,
  });
  expect(await phone.get("/account/whoami")).toMatchObject({ status: 401 });
});

test("a changed password can wait in the session until it is confirmed", async () => {
  await using homeserver = await FakeHomeserver.start();
  const user = await User.register(homeserver);
  const session = field(await user.post("/account/password", { new_password: "battery staple" }), "session");
  expect(await user.post("/account/password", { auth: { ...user.proof(), session } })).toMatchObject({ status: 200 });
  expect(await user.post("/account/password", { auth: user.proof("battery staple") })).toMatchObject({
    status: 400,
    body: { errcode: "M_MISSING_PARAM" },
  });
});

test("a changed password leaves the tokens of its own device", async () => {
  await using homeserver = await FakeHomeserver.start();
  const user = await User.register(homeserver);
  const body = { ...user.proof(), refresh_token: true, device_id: "PHONE" };
  const phone = await request(homeserver, "POST", "/login", { body });
  const change = { new_password: "battery staple", auth: user.proof() };
  await request(homeserver, "POST", "/account/password", { accessToken: field(phone, "access_token"), body: change });
  const refresh = { refresh_token: field(phone, "refresh_token") };
  expect(await request(homeserver, "POST", "/refresh", { body: refresh })).toMatchObject({ status: 200 });
});

test("a deactivated account is not logged in to by a login token that it had", async () => {
  await using homeserver = await FakeHomeserver.start();
  const user = await User.register(homeserver);
  const token = field(await user.post("/_matrix/client/v1/login/get_token"), "login_token");
  await user.post("/account/deactivate", { auth: user.proof() });
  const reply = await request(homeserver, "POST", "/login", { body: { type: "m.login.token", token } });
  expect(reply).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
});
