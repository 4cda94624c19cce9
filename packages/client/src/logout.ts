import type { Connection } from "./connection.js";
import { request } from "./request.js";
import { endSession, requireSession } from "./session.js";

/**
 * Ends the session at the homeserver, and then forgets all that this client has stored. When the homeserver cannot be asked, the
 * session stays.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout
 */
export async function logout(connection: Connection): Promise<void> {
  requireSession(connection, "log out");
  await request(connection, "POST", "v3/logout", { body: {} });
  await endSession(connection);
}
