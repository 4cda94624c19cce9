import { objectOf } from "./answer.js";
import { call } from "./call.js";
import type { Connection } from "./connection.js";
import { renewToLogOut } from "./renew.js";
import type { Session } from "./session.js";
import { forgetSession, tellLoggedOut } from "./session-life.js";
import { type AbortOptions, untilAborted } from "./signals.js";
import { isUnknownToken, withAccessToken } from "./with-access-token.js";

/**
 * Ends the session at the homeserver, and then forgets all that this client has stored; requests and a sync of it end. When the
 * homeserver cannot be asked, the session stays. Without a session there is nothing to do. It is shared by all who ask for it, so that it
 * goes on when one of them gives up.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout
 */
export async function logout(connection: Connection, { signal }: AbortOptions = {}): Promise<void> {
  const { session } = connection;
  if (session) await untilAborted(session.loggingOut ?? logOut(connection, session, "v3/logout"), signal);
}

/**
 * The same for all sessions of the user. A session that the homeserver has ended before can end no others: they are left.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logoutall
 */
export async function logoutAll(connection: Connection, { signal }: AbortOptions = {}): Promise<void> {
  const { session } = connection;
  // It does not share a logout that is under way, which ends less.
  if (session) await untilAborted(logOut(connection, session, "v3/logout/all"), signal);
}

async function logOut(connection: Connection, session: Session, endpoint: string): Promise<void> {
  const loggingOut = end(connection, session, endpoint).finally(() => {
    if (session.loggingOut === loggingOut) session.loggingOut = undefined;
  });
  session.loggingOut = loggingOut;
  await loggingOut;
  await tellLoggedOut(connection, session);
}

async function end(connection: Connection, session: Session, endpoint: string): Promise<void> {
  try {
    await withAccessToken(
      session,
      async (accessToken) =>
        objectOf(await call(connection, "POST", endpoint, { accessToken, body: {}, idempotent: true })),
      (accessToken, refusal) => renewToLogOut(connection, session, accessToken, refusal),
    );
  } catch (error) {
    // A session that the homeserver has ended before is over as well.
    if (!isUnknownToken(error)) throw error;
  }
  await forgetSession(connection, session);
}
