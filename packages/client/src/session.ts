import { StorageError, type StorageValue } from "@mx/storage";
import type { Connection } from "./connection.js";
import { NotLoggedInError } from "./errors.js";
import { isJsonObject } from "./json.js";
import { LoggedIn, LoggedOut } from "./messages.js";

/** Who the client is to its homeserver. The access token leaves the client only in a request to that homeserver. */
export interface Session {
  readonly userId: string;
  readonly deviceId: string;
  readonly accessToken: string;
}

/** The session of a logged-in client; `attempt` completes "Cannot …" in the error of one that is not. */
export function requireSession(connection: Connection, attempt: string): Session {
  if (connection.session === undefined) throw new NotLoggedInError(attempt);
  return connection.session;
}

/**
 * Makes a session durable, together with the homeserver that it belongs to, and then the current one. Nothing that was stored for
 * an earlier one stays, unless it is the same that goes on with another token.
 */
export async function startSession(connection: Connection, session: Session): Promise<void> {
  const goesOn = connection.session !== undefined;
  await connection.storage.transaction((transaction) => {
    if (!goesOn) transaction.clear();
    transaction.set("homeserver", { ...connection.homeserver });
    transaction.set("session", { ...session });
  });
  connection.session = session;
  await connection.publisher.publish(new LoggedIn(session.userId, session.deviceId));
}

/** Forgets all that this client has stored, and then the session. */
export async function endSession(connection: Connection): Promise<void> {
  const { session } = connection;
  if (session === undefined) return;
  await connection.storage.clear();
  connection.session = undefined;
  await connection.publisher.publish(new LoggedOut(session.userId, session.deviceId));
}

/** The session that `startSession` stored, if there is one. */
export function restoreSession(stored: StorageValue | undefined): Session | undefined {
  if (stored === undefined) return undefined;
  if (isJsonObject(stored)) {
    const { userId, deviceId, accessToken } = stored;
    if (typeof userId === "string" && typeof deviceId === "string" && typeof accessToken === "string") {
      return { userId, deviceId, accessToken };
    }
  }
  throw new StorageError(
    "Cannot restore the session: what is stored under it is not one; clear the storage to begin anew",
  );
}
