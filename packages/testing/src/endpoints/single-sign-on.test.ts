import { expect, test } from "vitest";
import { FakeHomeserver } from "../index.js";
import { field, request } from "../testing/user.js";

const REDIRECT = "/_matrix/client/v3/login/sso/redirect";
const HERE = "http://localhost:1234/here?state=a%26b#part";

function visit(homeserver: FakeHomeserver, redirectUrl: string, path: string = REDIRECT): Promise<Response> {
  const query = new URLSearchParams({ redirectUrl }).toString();
  return fetch(`${homeserver.url}${path}?${query}`, { redirect: "manual" });
}

test("is a login flow with a provider", async () => {
  await using homeserver = await FakeHomeserver.start({ singleSignOn: true });
  expect(await request(homeserver, "GET", "/login")).toMatchObject({
    body: {
      flows: [
        { type: "m.login.sso", identity_providers: [{ id: "fake", name: expect.any(String) }] },
        { type: "m.login.token" },
        { type: "m.login.password" },
      ],
    },
  });
});

test("is not there by default", async () => {
  await using homeserver = await FakeHomeserver.start();
  const { body } = await request(homeserver, "GET", "/login");
  expect(JSON.stringify(body)).not.toContain("m.login.sso");
  expect((await visit(homeserver, HERE)).status).toBe(404);
});

test.each(["@alice:fake.test", undefined])("lets nobody sign on, or off, where it is not there: %s", async (userId) => {
  await using homeserver = await FakeHomeserver.start();
  homeserver.register("alice", "secret");
  expect(() => homeserver.signOnAs(userId)).toThrow(/^Cannot sign .*: .*start\(\{ singleSignOn: true \}\)/);
});

test.each([REDIRECT, `${REDIRECT}/fake`])(
  "sends the browser back from %s with a token that logs in once",
  async (path) => {
    await using homeserver = await FakeHomeserver.start({ singleSignOn: true });
    const { userId } = homeserver.register("alice", "secret");
    homeserver.signOnAs(userId);
    const response = await visit(homeserver, HERE, path);
    expect(response.status).toBe(302);
    const location = new URL(response.headers.get("location") ?? "");
    expect(location.href).toMatch(/^http:\/\/localhost:1234\/here\?state=a%26b&loginToken=[^&]+#part$/);
    const body = { type: "m.login.token", token: location.searchParams.get("loginToken"), refresh_token: true };
    const reply = await request(homeserver, "POST", "/login", { body });
    expect(field(reply, "user_id")).toBe(userId);
    expect(field(reply, "refresh_token")).not.toBe("");
    expect(await request(homeserver, "POST", "/login", { body })).toMatchObject({ status: 403 });
  },
);

test("shows a page where nobody is signed on", async () => {
  await using homeserver = await FakeHomeserver.start({ singleSignOn: true });
  const { userId } = homeserver.register("alice", "secret");
  homeserver.signOnAs(userId);
  homeserver.signOnAs(undefined);
  const response = await visit(homeserver, HERE);
  expect(response.status).toBe(403);
  expect(response.headers.get("content-type")).toMatch(/^text\/html/);
  expect(await response.text()).toContain("Nobody is signed on");
});

test("knows one provider, and asks where to go back to", async () => {
  await using homeserver = await FakeHomeserver.start({ singleSignOn: true });
  expect((await visit(homeserver, HERE, `${REDIRECT}/other`)).status).toBe(404);
  expect((await visit(homeserver, "nowhere")).status).toBe(400);
  expect(await request(homeserver, "GET", REDIRECT)).toMatchObject({
    status: 400,
    body: { errcode: "M_MISSING_PARAM" },
  });
});

test("signs on nobody who has no account", async () => {
  await using homeserver = await FakeHomeserver.start({ singleSignOn: true });
  expect(() => homeserver.signOnAs("@nobody:fake.test")).toThrow(
    'Cannot sign on as "@nobody:fake.test": there is no such user; user IDs look like "@bot:fake.test"',
  );
});
