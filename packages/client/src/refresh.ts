import { objectOf } from "./answer.js";
import { call } from "./call.js";
import type { Connection } from "./connection.js";
import { MatrixError } from "./errors.js";
import type { Session } from "./session.js";
import { type Tokens, tokensIn } from "./tokens.js";

/** The time for a refresh: all requests wait for it. */
const timeoutMs = 30_000;

/** What homeservers say of refresh tokens that they do not know, or not any more. */
const refusals: ReadonlySet<string> = new Set(["M_UNKNOWN_TOKEN", "M_FORBIDDEN"]);

/**
 * Gets the next tokens of a session; `undefined` when the homeserver refuses all refresh tokens that may still be good.
 *
 * A refresh that was made twice, because its first answer was lost or late, may leave the session with the tokens that the homeserver has
 * dropped for the others. As long as none of either has been used, the refresh token that got them stays good.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3refresh
 */
export async function refresh(connection: Connection, session: Session): Promise<Tokens | undefined> {
  const { tokens, isDoubtful, ended } = session;
  for (const refreshToken of [tokens.refreshToken, isDoubtful ? tokens.gotBy : undefined]) {
    const next = refreshToken === undefined ? undefined : await refreshBy(connection, refreshToken, ended);
    if (next) return next;
  }
  return undefined;
}

async function refreshBy(
  connection: Connection,
  refreshToken: string,
  ended: AbortSignal,
): Promise<Tokens | undefined> {
  try {
    const body = { refresh_token: refreshToken };
    // Made again, it gets other tokens in the place of those that were lost.
    const answer = await call(connection, "POST", "v3/refresh", { body, timeoutMs, ended, idempotent: true });
    return tokensIn(objectOf(answer), connection.env, refreshToken);
  } catch (error) {
    if (error instanceof MatrixError && refusals.has(error.errcode)) return undefined;
    throw error;
  }
}
