import { type Lease, StorageError, type Transaction } from "@mx/storage";
import type { Connection } from "./connection.js";
import { type MatrixError, NotLoggedInError } from "./errors.js";
import { foreignError } from "./foreign-error.js";
import { restoreHomeserver, toStored } from "./homeserver.js";
import { LoggedOut } from "./messages.js";
import { redactorOf } from "./secrets.js";
import { isSameSession, restoreSession, type Session, storedForm } from "./session.js";
import type { Tokens } from "./tokens.js";
import { transactionId } from "./transaction-id.js";

// 1. A session is one object from login to logout. What belongs to a session holds on to it, so that nothing of one user is ever done
//    in the name of the next.
// 2. Storage first, then memory, then messages. What others wait for here ends before the messages, whose subscribers may wait for it.
// 3. Other processes may share the storage: whatever is changed there is compared with what is there first, in the same transaction.

/** The session of a logged-in client; `attempt` completes "Cannot …" in the error of one that is not. */
export function requireSession(connection: Connection, attempt: string): Session {
  if (connection.session === undefined) throw new NotLoggedInError(attempt);
  return connection.session;
}

/** Makes a session durable, together with its homeserver and with nothing of an earlier one, and then the current one. */
export function startSession(connection: Connection, session: Session, lease: Lease): Promise<void> {
  session.id = transactionId(connection.env);
  return connection.unfinished.run(async () => {
    const start = (transaction: Transaction): void => {
      transaction.clear();
      transaction.set("homeserver", toStored(connection.homeserver));
      transaction.set("session", storedForm(session, session.tokens));
    };
    await withoutTokens(session.tokens, connection.storage.transaction(start, { lease }));
    connection.session = session;
  });
}

/** The session that another process has begun meanwhile, if any; at the same homeserver, it is the current one of this client now. */
export async function takeUpSession(connection: Connection): Promise<Session | undefined> {
  const [storedSession, storedHomeserver] = await connection.storage.getMany(["session", "homeserver"]);
  const session = restoreSession(storedSession);
  const isHere = restoreHomeserver(storedHomeserver)?.baseClientUrl === connection.homeserver.baseClientUrl;
  if (session && isHere) connection.session = session;
  return session;
}

/**
 * Makes other tokens durable, and then those of the session; resolves with `false`, having changed nothing, when the session is not the
 * stored one any more. Rejects with a `StorageError` of code `lease-lost` when another process may have got tokens meanwhile.
 */
export function renewSession(connection: Connection, session: Session, tokens: Tokens, lease: Lease): Promise<boolean> {
  return connection.unfinished.run(async () => {
    const change = (transaction: Transaction): void => transaction.set("session", storedForm(session, tokens));
    const isCurrent = await withoutTokens(tokens, storeFor(connection, session, change, lease));
    if (isCurrent) session.renew(tokens);
    return isCurrent;
  });
}

/** Forgets all that is stored of a session, and then the session. `reason` is why, if not a logout. */
export async function forgetSession(
  connection: Connection,
  session: Session,
  { reason, lease }: { reason?: MatrixError; lease?: Lease } = {},
): Promise<void> {
  session.ending ??= connection.unfinished.run(async () => {
    // Another process may have logged out already, and in again as somebody else.
    await storeFor(connection, session, (transaction) => transaction.clear(), lease);
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
}

/** Publishes that a session is over, once for all that have found it so. */
export async function tellLoggedOut(connection: Connection, session: Session): Promise<void> {
  if (session.isToldOver) return;
  session.isToldOver = true;
  await connection.publisher.publish(new LoggedOut(session.userId, session.deviceId));
}

/** Stores something that belongs to a session; resolves with `false`, having stored nothing, when it is not the stored one any more. */
export function storeFor(
  connection: Connection,
  session: Session,
  change: (transaction: Transaction) => void,
  lease?: Lease,
): Promise<boolean> {
  return connection.storage.transaction(async (transaction) => {
    const stored = restoreSession(await transaction.get("session"));
    if (!stored || !isSameSession(session, stored)) return false;
    change(transaction);
    return true;
  }, lease && { lease });
}

/** A store that fails may say all that it was to write, as drivers of databases do; what is passed on of that has no token in it. */
async function withoutTokens<Result>(tokens: Tokens, writing: Promise<Result>): Promise<Result> {
  try {
    return await writing;
  } catch (error) {
    if (error instanceof StorageError && error.cause === undefined) throw error;
    const redact = redactorOf(Object.values(tokens).filter((value) => typeof value === "string"));
    const cause = foreignError(error, redact);
    const isKnown = error instanceof StorageError;
    const isClean = isKnown && redact(error.message) === error.message;
    const message = isClean ? error.message : `Cannot store the session: ${cause.message}`;
    throw new StorageError(message, { ...(isKnown && { code: error.code }), cause });
  }
}
