import { FakeHomeserver } from "@mx/testing";
import { describe, expect, it } from "vitest";
import { loginTokenIn } from "./single-sign-on.js";
import { closing } from "./testing/closing.js";
import { openClient, startFake } from "./testing/homeservers.js";

const back = "http://127.0.0.1:1/back?state=x%20y#top";

describe("single sign-on", () => {
  it.each([undefined, "fake"])(
    "leads through a browser to a session, at the identity provider %s",
    async (provider) => {
      const fake = closing(await FakeHomeserver.start({ singleSignOn: true }));
      const { userId } = fake.register("alice", "secret");
      fake.signOnAs(userId);
      const client = await openClient(fake);
      const url = await client.ssoUrl(back, provider === undefined ? {} : { identityProvider: provider });
      const answer = await fetch(url, { redirect: "manual" });
      const led = answer.headers.get("location") ?? "";
      expect(new URL(led).searchParams.get("state")).toBe("x y");
      expect(await client.login({ token: loginTokenIn(led) })).toMatchObject({ userId });
    },
  );

  it("begins at a URL of the homeserver that says all that it is given, and no more", async () => {
    const client = await openClient(await startFake());
    const redirect = await client.url("v3/login/sso/redirect");
    const query = new URLSearchParams({ redirectUrl: back });
    expect(await client.ssoUrl(back)).toBe(`${redirect}?${query}`);
    expect(await client.ssoUrl(back, { identityProvider: "a/b?c", action: "register" })).toBe(
      `${redirect}/a%2Fb%3Fc?${query}&action=register`,
    );
    expect(await client.ssoUrl("app:/signed-on")).toContain("redirectUrl=app%3A%2Fsigned-on");
  });

  it.each([
    ["", {}, '"redirectUrl" is not a URL'],
    ["/back", {}, '"redirectUrl" is not a URL'],
    [undefined, {}, '"redirectUrl" is not a URL'],
    [back, { action: "steal" }, '"action" is neither'],
    [back, { identityProvider: ".." }, "cannot be part of its path"],
    [back, { identityProvider: "" }, "cannot be part of its path"],
  ])("refuses %j with %j (threat 14)", async (redirectUrl, options, found) => {
    const client = await openClient(await startFake());
    const error: unknown = await client
      .ssoUrl(redirectUrl as string, options as never)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(found);
  });
});

describe("loginTokenIn", () => {
  it.each([
    "http://localhost:1/back?loginToken=syl_a%2Bb&state=1",
    "app:/back?state=1&loginToken=syl_a%2Bb",
    "/back?loginToken=syl_a%2Bb",
    new URL("http://localhost/?loginToken=syl_a%2Bb"),
  ])("takes the token out of %s", (url) => {
    expect(loginTokenIn(url)).toBe("syl_a+b");
  });

  it.each([
    ["http://localhost/", "it has none"],
    ["http://localhost/?loginToken=", "it has none"],
    ["http://localhost/#loginToken=syl_secret", "it has none"],
    ["http://localhost/?token=syl_secret", "it has none"],
    ["http://localhost/?loginToken=syl_secret&loginToken=syl_secret2", "it has more than one"],
    ["http://syl_secret:99999/?loginToken=syl_secret", "it is not a URL"],
  ])("throws a TypeError for %s, which does not say what is in it (threat 4)", (url, found) => {
    expect(() => loginTokenIn(url)).toThrow(TypeError);
    expect(() => loginTokenIn(url)).toThrow(found);
    expect(() => loginTokenIn(url)).not.toThrow(/secret/);
  });
});
