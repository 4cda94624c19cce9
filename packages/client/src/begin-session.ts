import type { Lease } from "@mx/storage";
import { discard } from "./authenticate.js";
import type { Connection } from "./connection.js";
import { reserveDevice } from "./device-id.js";
import { AlreadyLoggedInError, MatrixError } from "./errors.js";
import { LoggedIn } from "./messages.js";
import type { Session } from "./session.js";
import { startSession, takeUpSession } from "./session-life.js";
import { joinSignals } from "./signals.js";
import { type Identity, identityOf } from "./whoami.js";

// 1. Of all processes that share the storage, one at a time logs in: under a lease. Whoever finds a session when it has it, asks nobody.
// 2. The device is chosen and stored first, and taken again until a session is stored or the homeserver has refused: see device-id.ts.
// 3. A session that cannot be stored is ended again, so that none is left behind; but not when the lease is lost, because then another
//    process may be logging in on the same device.

/** How long the lease outlives a process that was killed while it had it. */
const leaseTtlMs = 5000;

/** How a session begins. */
export interface Beginning {
  /** Who logs in, as far as it is known: what `userOf` makes of it. */
  readonly user: string;
  /** Whether the homeserver makes the session for this, on a device that the client chooses when none is given. */
  readonly isNew: boolean;
  readonly deviceId?: string | undefined;
  /** How the caller gives up. */
  readonly signal: AbortSignal | undefined;
  /** Asks the homeserver for it. */
  authenticate(options: { readonly deviceId: string | undefined; readonly signal: AbortSignal }): Promise<Session>;
}

/** Begins a session, makes it durable, and publishes that the client has it. */
export async function beginSession(connection: Connection, beginning: Beginning): Promise<Identity> {
  if (connection.session || connection.isLoggingIn) throw new AlreadyLoggedInError(connection.session?.userId);
  connection.isLoggingIn = true;
  const session = await connection.unfinished
    .run(() => underLease(connection, beginning))
    .finally(() => {
      connection.isLoggingIn = false;
    });
  await connection.publisher.publish(new LoggedIn(session.userId, session.deviceId));
  return identityOf(session);
}

async function underLease(connection: Connection, beginning: Beginning): Promise<Session> {
  const stop = joinSignals(connection.closing, beginning.signal);
  const { signal } = stop;
  try {
    const options = { ttlMs: leaseTtlMs, waitMs: Number.POSITIVE_INFINITY, signal };
    const lease = await connection.storage.lease("login", options);
    const begins = joinSignals(signal, lease.signal);
    try {
      const begun = await takeUpSession(connection);
      if (begun) throw alreadyLoggedIn(connection, begun);
      return await begin(connection, beginning, lease, begins.signal);
    } finally {
      begins.end();
      await lease.release();
    }
  } finally {
    stop.end();
  }
}

function alreadyLoggedIn({ session }: Connection, { userId }: Session): AlreadyLoggedInError {
  if (session) return new AlreadyLoggedInError(userId);
  return new AlreadyLoggedInError(userId, "at another homeserver: create a new client on the same storage");
}

async function begin(
  connection: Connection,
  beginning: Beginning,
  lease: Lease,
  signal: AbortSignal,
): Promise<Session> {
  const { user, isNew, deviceId } = beginning;
  const reserved = isNew && deviceId === undefined ? await reserveDevice(connection, user, lease) : undefined;
  // What is wrong with the storage now will be so at the next login as well, and is none of what the caller has to know.
  const cancel = (): Promise<void> | undefined => reserved?.cancel().catch(() => undefined);
  let session: Session;
  try {
    session = await beginning.authenticate({ deviceId: reserved?.deviceId ?? deviceId, signal });
  } catch (error) {
    if (error instanceof MatrixError && error.status < 500) await cancel();
    throw error;
  }
  try {
    await startSession(connection, session, lease);
  } catch (error) {
    if (isNew && !lease.signal.aborted && (await discard(connection, session))) await cancel();
    throw error;
  }
  return session;
}
