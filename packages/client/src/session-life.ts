import type { Transaction } from "@mx/storage";
import type { Connection } from "./connection.js";
import { type MatrixError, NotLoggedInError } from "./errors.js";
import { toStored } from "./homeserver.js";
import { LoggedOut } from "./messages.js";
import { restoreSession, type Session, storedForm } from "./session.js";

// 1. A session is one object from login to logout. What belongs to a session holds on to it, so that nothing of one user is ever done
//    in the name of the next.
// 2. Storage first, then memory, then messages. What others wait for here ends before the messages, whose subscribers may wait for it.

/** The session of a logged-in client; `attempt` completes "Cannot …" in the error of one that is not. */
export function requireSession(connection: Connection, attempt: string): Session {
  if (connection.session === undefined) throw new NotLoggedInError(attempt);
  return connection.session;
}

/** Makes a session durable, together with its homeserver and with nothing of an earlier one, and then the current one. */
export function startSession(connection: Connection, session: Session): Promise<void> {
  return connection.unfinished.run(async () => {
    await connection.storage.transaction((transaction) => {
      transaction.clear();
      transaction.set("homeserver", toStored(connection.homeserver));
      transaction.set("session", storedForm(session, session.accessToken));
    });
    connection.session = session;
  });
}

/** Makes another access token durable, and then the one of the session, unless that is not the stored one any more. */
export function renewSession(connection: Connection, session: Session, accessToken: string): Promise<boolean> {
  return connection.unfinished.run(async () => {
    const isCurrent = await storeFor(connection, session, (transaction) => {
      transaction.set("session", storedForm(session, accessToken));
    });
    if (isCurrent) session.renew(accessToken);
    return isCurrent;
  });
}

/** Forgets all that this client has stored, and then the session; publishes `LoggedOut`. `reason` is why, if not a logout. */
export async function endSession(connection: Connection, session: Session, reason?: MatrixError): Promise<void> {
  const isFirst = session.ending === undefined;
  session.ending ??= connection.unfinished.run(async () => {
    await connection.storage.clear();
    if (connection.session === session) connection.session = undefined;
    const isLogout = reason === undefined || session.loggingOut !== undefined;
    session.end(isLogout ? new NotLoggedInError("finish what was begun") : reason);
  });
  try {
    await session.ending;
  } catch (error) {
    session.ending = undefined;
    throw error;
  }
  if (isFirst) await connection.publisher.publish(new LoggedOut(session.userId, session.deviceId));
}

/** Stores something that belongs to a session; resolves with `false`, having stored nothing, when it is not the stored one any more. */
export function storeFor(
  connection: Connection,
  session: Session,
  change: (transaction: Transaction) => void,
): Promise<boolean> {
  return connection.storage.transaction(async (transaction) => {
    const stored = restoreSession(await transaction.get("session"));
    if (stored?.userId !== session.userId || stored.deviceId !== session.deviceId) return false;
    change(transaction);
    return true;
  });
}
