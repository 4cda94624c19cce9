import { authenticate, discard } from "./authenticate.js";
import type { Connection } from "./connection.js";
import type { Credentials } from "./credentials.js";
import { AlreadyLoggedInError } from "./errors.js";
import { LoggedIn } from "./messages.js";
import type { Session } from "./session.js";
import { startSession } from "./session-life.js";
import { type Identity, identityOf } from "./whoami.js";

/**
 * Logs in and makes the session durable. A session that cannot be stored is ended again, so that none is left behind.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#login
 */
export async function login(connection: Connection, credentials: Credentials): Promise<Identity> {
  if (connection.session || connection.isLoggingIn) throw new AlreadyLoggedInError(connection.session?.userId);
  connection.isLoggingIn = true;
  const session = await begin(connection, credentials).finally(() => {
    connection.isLoggingIn = false;
  });
  await connection.publisher.publish(new LoggedIn(session.userId, session.deviceId));
  return identityOf(session);
}

async function begin(connection: Connection, credentials: Credentials): Promise<Session> {
  const session = await authenticate(connection, credentials);
  try {
    await startSession(connection, session);
  } catch (error) {
    await discard(connection, session, credentials);
    throw error;
  }
  return session;
}
