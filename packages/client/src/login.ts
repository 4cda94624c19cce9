import { authenticate, type Credentials } from "./authenticate.js";
import type { Connection } from "./connection.js";
import { AlreadyLoggedInError } from "./errors.js";
import { startSession } from "./session.js";
import type { Identity } from "./whoami.js";

/**
 * Logs in and makes the session durable, or does neither.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#login
 */
export async function login(connection: Connection, credentials: Credentials): Promise<Identity> {
  if (connection.session) throw new AlreadyLoggedInError(connection.session.userId);
  const session = await authenticate(connection, credentials);
  await startSession(connection, session);
  return { userId: session.userId, deviceId: session.deviceId };
}
