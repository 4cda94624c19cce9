import { call } from "./call.js";
import type { Connection } from "./connection.js";
import { MatrixError } from "./errors.js";
import type { Session } from "./session.js";
import { forgetSession, requireSession, tellLoggedOut } from "./session-life.js";

/**
 * Ends the session at the homeserver, and then forgets all that this client has stored; requests and a sync of it end. When the
 * homeserver cannot be asked, the session stays.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout
 */
export async function logout(connection: Connection): Promise<void> {
  const session = requireSession(connection, "log out");
  session.loggingOut ??= end(connection, session).finally(() => {
    session.loggingOut = undefined;
  });
  await session.loggingOut;
  await tellLoggedOut(connection, session);
}

async function end(connection: Connection, session: Session): Promise<void> {
  try {
    await call(connection, "POST", "v3/logout", { accessToken: session.accessToken, body: {} });
  } catch (error) {
    // A session that the homeserver has ended before is over as well.
    if (!(error instanceof MatrixError && error.errcode === "M_UNKNOWN_TOKEN")) throw error;
  }
  await forgetSession(connection, session);
}
