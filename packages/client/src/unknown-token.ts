import { authenticate } from "./authenticate.js";
import type { Connection } from "./connection.js";
import type { MatrixError } from "./errors.js";
import { endSession, type Session, startSession } from "./session.js";

/**
 * What to do when the homeserver does not know an access token any more; resolves with the session to make the request with once
 * more, or `undefined` when there is none.
 * 1. The client is logging out: that is why.
 * 2. The session has another token by now: somebody else was here first.
 * 3. A soft logout: the application is asked, once for all requests that wait, how to log in again.
 * 4. A token that is current and not softly logged out: the session is over.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#soft-logout
 */
export async function renewSession(
  connection: Connection,
  accessToken: string,
  error: MatrixError,
): Promise<Session | undefined> {
  await connection.loggingOut?.catch(() => undefined);
  if (connection.session?.accessToken !== accessToken) return connection.session;
  if (error.data["soft_logout"] !== true) {
    await endSession(connection);
    return undefined;
  }
  connection.loggingInAgain ??= logInAgain(connection, connection.session).finally(() => {
    connection.loggingInAgain = undefined;
  });
  return connection.loggingInAgain;
}

async function logInAgain(connection: Connection, { userId, deviceId }: Session): Promise<Session | undefined> {
  const credentials = await connection.callbacks.logInAgain?.({ userId, deviceId });
  if (!credentials) return undefined;
  const session = await authenticate(
    connection,
    "accessToken" in credentials ? credentials : { ...credentials, deviceId },
  );
  if (session.userId !== userId) {
    throw new TypeError(
      `Cannot log in again as "${userId}": the callback logInAgain gave the credentials of another user`,
    );
  }
  await startSession(connection, session);
  return session;
}
