import { MatrixError } from "./errors.js";
import type { Session } from "./session.js";

/** A homeserver that refuses every token that it gives is not asked for more of them than this. */
const maxTokens = 3;

/**
 * Does something with the access token of a session, and again with another one when the homeserver refuses it and `renew` has got one: a
 * request whose token is refused was not processed, whatever it is.
 */
export async function withAccessToken<Result>(
  session: Session,
  work: (accessToken: string) => Promise<Result>,
  renew: (accessToken: string, refusal: MatrixError) => Promise<boolean>,
): Promise<Result> {
  for (let token = 1; ; token++) {
    const { accessToken } = session;
    try {
      const result = await work(accessToken);
      session.prove(accessToken);
      return result;
    } catch (error) {
      if (!isUnknownToken(error) || token === maxTokens || !(await renew(accessToken, error))) throw error;
    }
  }
}

/** Tells whether the homeserver says that it does not know an access token, or not any more. */
export function isUnknownToken(error: unknown): error is MatrixError {
  return error instanceof MatrixError && error.status === 401 && error.errcode === "M_UNKNOWN_TOKEN";
}
