import { describe, expect, it } from "vitest";
import { openEnv } from "./env.js";
import { restoreTokens, tokensIn } from "./tokens.js";

const { env } = openEnv({ fetch: () => Promise.reject(new Error("not used")), now: () => 1_000_000 });
const accessToken = "syt_a";
const answer = (expires_in_ms?: unknown) =>
  ({ access_token: accessToken, refresh_token: "syr_b", expires_in_ms }) as never;

describe("tokensIn", () => {
  it.each([
    [300_000, 270_000],
    [60_000, 45_000],
    [2000, 1500],
    [1000, 1000],
    [0, 1000],
    [-5, 1000],
  ])("renews tokens that live for %d ms after %d ms", (lifeMs, afterMs) => {
    expect(tokensIn(answer(lifeMs), env)).toEqual({
      accessToken,
      refreshToken: "syr_b",
      refreshAt: 1_000_000 + afterMs,
    });
  });

  it.each([undefined, null, "60000", {}, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "does not know when tokens end that live for %o",
    (lifeMs) => {
      expect(tokensIn(answer(lifeMs), env)).toEqual({ accessToken, refreshToken: "syr_b" });
    },
  );

  it("keeps the refresh token that got them, and goes on with it when there is no other", () => {
    expect(tokensIn(answer(), env, "syr_a")).toEqual({ accessToken, refreshToken: "syr_b", gotBy: "syr_a" });
    expect(tokensIn({ access_token: accessToken }, env, "syr_a")).toMatchObject({ refreshToken: "syr_a" });
  });

  it("never renews an access token that comes alone", () => {
    expect(tokensIn({ access_token: accessToken, expires_in_ms: 5 }, env)).toEqual({ accessToken });
  });

  it.each([undefined, null, 7, "", "a b", "a\n", "ä"])("refuses the access token %j", (token) => {
    expect(() => tokensIn({ access_token: token } as never, env)).toThrow("lacks an access token");
  });
});

it("tokens that were stored come back as they were", () => {
  for (const tokens of [tokensIn(answer(5000), env, "syr_a"), { accessToken }]) {
    expect(restoreTokens(JSON.parse(JSON.stringify(tokens)))).toEqual(tokens);
  }
  for (const none of [undefined, null, [], {}, { accessToken: 7 }]) expect(restoreTokens(none)).toBeUndefined();
});
