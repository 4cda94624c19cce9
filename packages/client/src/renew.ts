import { authenticate, discard } from "./authenticate.js";
import type { Connection } from "./connection.js";
import type { MatrixError } from "./errors.js";
import type { Session } from "./session.js";
import { endSession, renewSession } from "./session-life.js";
import { untilAborted } from "./signals.js";

/**
 * What to do when the homeserver does not know the access token of a session any more; resolves with whether the session has another
 * one to make the request with.
 * 1. It has another one by now: somebody else was here first.
 * 2. A soft logout: the application is asked, once for all requests that wait, how to log in again.
 * 3. A token that is current and not softly logged out: the session is over.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#soft-logout
 */
export async function renew(
  connection: Connection,
  session: Session,
  accessToken: string,
  error: MatrixError,
): Promise<boolean> {
  if (session.accessToken !== accessToken) return true;
  if (error.data["soft_logout"] !== true) {
    await endSession(connection, session, error);
    return false;
  }
  session.renewing ??= logInAgain(connection, session).finally(() => {
    session.renewing = undefined;
  });
  return session.renewing;
}

async function logInAgain(connection: Connection, session: Session): Promise<boolean> {
  const { userId, deviceId } = session;
  const asking = connection.callbacks.logInAgain?.({ userId, deviceId });
  const credentials = await untilAborted(asking, connection.closing, session.ended);
  if (!credentials) return false;

  const device = "accessToken" in credentials || deviceId === undefined ? {} : { deviceId };
  const renewed = await authenticate(connection, { ...credentials, ...device });
  const isSame = renewed.userId === userId && renewed.deviceId === deviceId;
  if (isSame && (await renewSession(connection, session, renewed.accessToken))) return true;

  await discard(connection, renewed, credentials);
  if (isSame) return false;
  throw new TypeError(
    `Cannot log in again as "${userId}" on "${deviceId}": logInAgain led to "${renewed.userId}" on "${renewed.deviceId}"`,
  );
}
