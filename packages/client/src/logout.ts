import { call } from "./call.js";
import type { Connection } from "./connection.js";
import { MatrixError } from "./errors.js";
import { endSession, requireSession, type Session } from "./session.js";

/**
 * Ends the session at the homeserver, and then forgets all that this client has stored; a sync that runs ends with it. When the
 * homeserver cannot be asked, the session stays.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout
 */
export async function logout(connection: Connection): Promise<void> {
  const session = requireSession(connection, "log out");
  connection.loggingOut ??= end(connection, session).finally(() => {
    connection.loggingOut = undefined;
  });
  await connection.loggingOut;
}

async function end(connection: Connection, { accessToken }: Session): Promise<void> {
  try {
    await call(connection, "POST", "v3/logout", { accessToken, body: {} });
  } catch (error) {
    // A session that the homeserver has ended before is over as well.
    if (!(error instanceof MatrixError && error.errcode === "M_UNKNOWN_TOKEN")) throw error;
  }
  connection.stopSync?.();
  await endSession(connection);
}
