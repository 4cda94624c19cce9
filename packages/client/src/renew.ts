import { type Lease, StorageError } from "@mx/storage";
import { authenticate, discard } from "./authenticate.js";
import type { Connection } from "./connection.js";
import { checkCredentials, type Credentials } from "./credentials.js";
import { ConnectionError, MatrixError } from "./errors.js";
import { refresh } from "./refresh.js";
import { isSameDevice, isSameSession, restoreSession, type Session } from "./session.js";
import { forgetSession, renewSession, tellLoggedOut } from "./session-life.js";
import { joinSignals, untilAborted } from "./signals.js";
import type { Tokens } from "./tokens.js";

// 1. Tokens are renewed by one at a time, of all processes that share the storage: under a lease.
// 2. Whoever has the lease looks first whether another one was here before: what is stored is never older than what this process knows.
// 3. New tokens are stored before they are used. Until then the old refresh token stays good, so that a kill loses nothing.
// 4. Only a refusal without a soft logout, of tokens that are the stored ones and that nothing can replace, ends a session.

/** How long the lease outlives a process that was killed while it had it. */
const leaseTtlMs = 3000;

/** A logout waits no longer than this for another process that has the lease: that one may be asking its user. */
const logoutWaitMs = 10_000;

/** What has become of a session whose tokens were to be renewed: `kept` is as it was. */
type Outcome = "renewed" | "kept" | "over";

/**
 * What to do when the homeserver does not know the access token of a session any more; resolves with whether the session has another
 * one to make the request with.
 * 1. It has another one by now: somebody else was here first, perhaps in another process.
 * 2. It has a refresh token, which gets another one.
 * 3. It was a soft logout: the application is asked, once for all requests that wait, how to log in again.
 * 4. Otherwise the session is over.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#soft-logout
 */
export async function renew(
  connection: Connection,
  session: Session,
  accessToken: string,
  refusal: MatrixError,
): Promise<boolean> {
  if (session.accessToken !== accessToken) return true;
  session.renewing ??= underLease(connection, session, accessToken, (lease) =>
    recover(connection, session, refusal, lease),
  ).finally(() => {
    session.renewing = undefined;
  });
  const outcome = await session.renewing;
  if (outcome === "over") await tellLoggedOut(connection, session);
  return outcome === "renewed";
}

/**
 * The same for a logout, so that the device ends as well: the application is not asked, and whether the session is over is left to the
 * caller.
 */
export async function renewToLogOut(
  connection: Connection,
  session: Session,
  accessToken: string,
  refusal: MatrixError,
): Promise<boolean> {
  // Whoever asks the application has the lease, and has found that nothing can be refreshed.
  if (session.isAskingToLogIn) return false;
  const work = async (lease: Lease): Promise<Outcome> =>
    canBeReplaced(session, refusal) ? replace(connection, session, lease) : "kept";
  try {
    return (await underLease(connection, session, accessToken, work, logoutWaitMs)) === "renewed";
  } catch (error) {
    if (error instanceof StorageError && error.code === "lease-held") return false;
    throw error;
  }
}

/** Renews tokens that will end soon. That it cannot be done now is no reason to fail: they are still good. */
export async function renewEarly(connection: Connection, session: Session): Promise<void> {
  const { accessToken } = session;
  session.renewingEarly ??= underLease(connection, session, accessToken, (lease) => replace(connection, session, lease))
    .catch((error: unknown) => {
      const canPass = [ConnectionError, MatrixError, StorageError].some((kind) => error instanceof kind);
      if (canPass) return "kept" as const;
      throw error;
    })
    .finally(() => {
      session.renewingEarly = undefined;
    });
  const outcome = await session.renewingEarly;
  if (outcome === "kept") session.postponeRenewal(connection.env.now());
  if (outcome === "over") await tellLoggedOut(connection, session);
}

/** Works on the tokens of a session when nobody else does; not at all when the access token is another one by now, or the session over. */
function underLease(
  connection: Connection,
  session: Session,
  accessToken: string,
  work: (lease: Lease) => Promise<Outcome>,
  waitMs = Number.POSITIVE_INFINITY,
): Promise<Outcome> {
  const { storage, closing, unfinished } = connection;
  return unfinished.run(async () => {
    const stop = joinSignals(closing, session.ended);
    const { signal } = stop;
    try {
      for (;;) {
        const lease = await storage.lease("session", { ttlMs: leaseTtlMs, waitMs, signal });
        try {
          const stored = restoreSession(await storage.get("session"));
          if (!stored || !isSameSession(session, stored)) return await end(connection, session);
          if (stored.accessToken === accessToken) return await work(lease);
          if (stored.accessToken !== session.accessToken) session.renew(stored.tokens);
          return "renewed";
        } catch (error) {
          // This process was too slow: what another one has done meanwhile counts.
          if (!(error instanceof StorageError && error.code === "lease-lost")) throw error;
        } finally {
          await lease.release();
        }
      }
    } finally {
      stop.end();
    }
  });
}

async function recover(connection: Connection, session: Session, refusal: MatrixError, lease: Lease): Promise<Outcome> {
  const outcome = canBeReplaced(session, refusal) ? await replace(connection, session, lease) : "kept";
  if (outcome !== "kept") return outcome;
  if (isSoft(refusal)) return logInAgain(connection, session, lease);
  return end(connection, session, { reason: refusal, lease });
}

function canBeReplaced(session: Session, refusal: MatrixError): boolean {
  return isSoft(refusal) || session.isDoubtful;
}

function isSoft(refusal: MatrixError): boolean {
  return refusal.data["soft_logout"] === true;
}

async function replace(connection: Connection, session: Session, lease: Lease): Promise<Outcome> {
  const tokens = await refresh(connection, session);
  if (tokens) return store(connection, session, tokens, lease);
  // Another process may have used the refresh token up.
  await requireHeld(connection, lease);
  return "kept";
}

/** Rejects when this process stood still for longer than its lease lasts, and another one has it now. */
async function requireHeld({ storage }: Connection, lease: Lease): Promise<void> {
  await storage.transaction(() => {}, { lease });
}

async function logInAgain(connection: Connection, session: Session, lease: Lease): Promise<Outcome> {
  const { userId, deviceId } = session;
  session.isAskingToLogIn = true;
  const ask = async (): Promise<Credentials | undefined> => connection.callbacks.logInAgain?.({ userId, deviceId });
  const credentials = await untilAborted(ask(), connection.closing, session.ended, lease.signal).finally(() => {
    session.isAskingToLogIn = false;
  });
  if (!credentials) return "kept";
  checkCredentials(credentials);

  // A login on a device ends the tokens that another process may have got for it meanwhile.
  await requireHeld(connection, lease);
  const device = "accessToken" in credentials || deviceId === undefined ? {} : { deviceId };
  const again = await authenticate(connection, { ...credentials, ...device }, lease.signal);
  if (!isSameDevice(session, again)) {
    await discard(connection, again, credentials);
    throw new TypeError(
      `Cannot log in again as "${userId}" on "${deviceId}": logInAgain led to "${again.userId}" on "${again.deviceId}"`,
    );
  }
  const outcome = await store(connection, session, again.tokens, lease);
  if (outcome === "over") await discard(connection, again, credentials);
  return outcome;
}

async function store(connection: Connection, session: Session, tokens: Tokens, lease: Lease): Promise<Outcome> {
  return (await renewSession(connection, session, tokens, lease)) ? "renewed" : end(connection, session);
}

async function end(...how: Parameters<typeof forgetSession>): Promise<"over"> {
  await forgetSession(...how);
  return "over";
}
