import type { Env } from "./env.js";
import { ConnectionError } from "./errors.js";
import { isJsonObject, type JsonObject } from "./json.js";

/** What a session proves itself with. */
export interface Tokens {
  readonly accessToken: string;
  /** Gets the next tokens. Missing when the homeserver has given none: then the access token does not end by itself. */
  readonly refreshToken?: string;
  /** When to get the next tokens, in milliseconds since 1970: a while before the access token ends. */
  readonly refreshAt?: number;
  /** The refresh token that has got these. It stays good until one of these has been used. */
  readonly gotBy?: string;
}

/** The longest time before its end at which a token is replaced. */
const longestMarginMs = 30_000;

/** However short a homeserver lets a token live, it is not asked for the next one more often than this. */
const shortestLifeMs = 1000;

/**
 * The tokens in the answer to a login, or to a refresh by the token `gotBy`. A refresh may leave out the refresh token: then the one that
 * was used stays good.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens
 */
export function tokensIn(answer: JsonObject, env: Env, gotBy?: string): Tokens {
  const { access_token: accessToken, refresh_token: given, expires_in_ms: lifeMs } = answer;
  if (!isToken(accessToken)) throw new ConnectionError("Cannot use the homeserver's answer: it lacks an access token");
  const refreshToken = isToken(given) ? given : gotBy;
  if (refreshToken === undefined) return { accessToken };
  const tokens = { accessToken, refreshToken, ...(gotBy !== undefined && { gotBy }) };
  // JSON may hold a number that is infinite here, and can be stored nowhere.
  if (typeof lifeMs !== "number" || !Number.isFinite(lifeMs)) return tokens;
  const marginMs = Math.min(lifeMs / 4, longestMarginMs);
  return { ...tokens, refreshAt: env.now() + Math.max(lifeMs - marginMs, shortestLifeMs) };
}

/** What was stored as tokens, if it is some. */
export function restoreTokens(stored: unknown): Tokens | undefined {
  if (!isJsonObject(stored)) return undefined;
  const { accessToken, refreshToken, refreshAt, gotBy } = stored;
  if (typeof accessToken !== "string") return undefined;
  return {
    accessToken,
    ...(typeof refreshToken === "string" && { refreshToken }),
    ...(typeof refreshAt === "number" && { refreshAt }),
    ...(typeof gotBy === "string" && { gotBy }),
  };
}

/** Tells whether something can be sent as a token: one that cannot would turn up in the error of who tries. */
export function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[!-~]+$/.test(value);
}
