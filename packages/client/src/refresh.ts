import { objectOf } from "./answer.js";
import { call } from "./call.js";
import type { Connection } from "./connection.js";
import { MatrixError } from "./errors.js";
import type { Session } from "./session.js";
import { type Tokens, tokensIn } from "./tokens.js";

/** The time for a refresh: all requests wait for it. */
const timeoutMs = 30_000;

/**
 * Gets the next tokens of a session; `undefined` when the homeserver refuses all refresh tokens that may still be good.
 *
 * While nothing has succeeded with the current tokens, the refresh token that got them is tried as well. When a refresh was made twice,
 * because its first answer was lost or late, the current tokens may be those that the homeserver has dropped; and the one that got them
 * stays good until any that it got was used.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3refresh
 */
export async function refresh(connection: Connection, { tokens, isProven }: Session): Promise<Tokens | undefined> {
  const next = tokens.refreshToken && (await refreshBy(connection, tokens.refreshToken));
  if (next || isProven || tokens.gotBy === undefined) return next || undefined;
  return refreshBy(connection, tokens.gotBy);
}

async function refreshBy(connection: Connection, refreshToken: string): Promise<Tokens | undefined> {
  try {
    const body = { refresh_token: refreshToken };
    // Made again, it gets other tokens in the place of those that were lost.
    const answer = await call(connection, "POST", "v3/refresh", { body, timeoutMs, idempotent: true });
    return tokensIn(objectOf(answer), connection.env, refreshToken);
  } catch (error) {
    if (error instanceof MatrixError && (error.status === 401 || error.status === 403)) return undefined;
    throw error;
  }
}
