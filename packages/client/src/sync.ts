import type { StorageValue } from "@mx/storage";
import { stringIn } from "./answer.js";
import { backOffMs } from "./back-off.js";
import { BodyTooLargeError } from "./body.js";
import type { Connection } from "./connection.js";
import type { Env } from "./env.js";
import { AlreadySyncingError, ConnectionError, MatrixError, NotLoggedInError } from "./errors.js";
import { isJsonObject, type Json } from "./json.js";
import { SyncFailed } from "./messages.js";
import { request } from "./request.js";
import type { Session } from "./session.js";
import { forgetSession, requireSession, storeFor, tellLoggedOut } from "./session-life.js";
import { joinSignals } from "./signals.js";
import { newsIn } from "./sync-answer.js";
import { wait } from "./wait.js";

// 1. What a sync brought is published in order, one message after the other, each when the subscribers of the one before are done.
// 2. Only when all of it has been handled is its `next_batch` stored: after a crash it comes again, and nothing is missed.
// 3. A sync that is ended in the middle stores what it has handled, so that only the rest comes again.
// 4. All of it belongs to one session, and is stored for no other.

export interface SyncOptions {
  /** Ends the sync, as `close` and `logout` do; its promise resolves then. */
  readonly signal?: AbortSignal | undefined;
  /** How long the homeserver may hold a request while there is nothing new; 30 s by default. */
  readonly timeoutMs?: number | undefined;
  /** The most bytes that one answer may have; 32 MiB by default. The first one of a user in very many rooms may be larger. */
  readonly maxBodyBytes?: number | undefined;
}

/** How far the client has come: what is after `nextBatch` is new, but for what is in `handled`. */
interface Position {
  /** Missing before the first sync. */
  readonly nextBatch?: string;
  /** The IDs of news: see sync-answer.ts. */
  readonly handled: readonly string[];
}

/** A running sync. */
interface RunningSync {
  readonly connection: Connection;
  readonly session: Session;
  readonly stop: AbortSignal;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
}

/** The time for an answer beyond that for which the homeserver may hold it; the first one tells of all rooms. */
const answerTimeMs = { first: 300_000, later: 30_000 };

/** A homeserver that answers at once, again and again, that there is nothing new is asked five times a second at most. */
const idlePaceMs = 200;

/** However long a homeserver asks to wait, it is asked again after this. */
const longestPauseMs = 300_000;

/** A user who is locked may be unlocked some day, and is not asked for often until then. */
const lockedPauseMs = 60_000;

/**
 * Receives what is new and publishes it, until the client is closed or logs out. Rejects when going on is pointless: when the homeserver
 * refuses for good, or the storage fails. What else goes wrong it lives through: it publishes a `SyncFailed` then, and tries again.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#syncing
 */
export async function sync(connection: Connection, options: SyncOptions = {}): Promise<void> {
  const { timeoutMs = 30_000, maxBodyBytes = 32 * 1024 * 1024 } = options;
  if (!Number.isFinite(timeoutMs) || timeoutMs < 0)
    throw new TypeError("Cannot sync: timeoutMs is not a number from 0");
  const session = requireSession(connection, "sync");
  if (session.isSyncing) throw new AlreadySyncingError();
  const stop = joinSignals(connection.closing, session.ended, options.signal);
  session.isSyncing = true;
  try {
    const { signal } = stop;
    await connection.unfinished.run(() => run({ connection, session, stop: signal, timeoutMs, maxBodyBytes }));
  } finally {
    session.isSyncing = false;
    stop.end();
  }
  const { aborted: isOver, reason } = session.ended;
  if (isOver && !(reason instanceof NotLoggedInError)) throw reason;
}

async function run(running: RunningSync): Promise<void> {
  const { connection, stop } = running;
  let position = restorePosition(await connection.storage.get("sync"));
  while (!stop.aborted) {
    const askedAt = connection.env.monotonicMs();
    const answer = await receive(running, position);
    if (answer === undefined) return;
    const { next, count } = await deliver(running, answer, position);
    if (!(await store(running, next))) return;
    if (count === 0) await pause(running, askedAt + idlePaceMs - connection.env.monotonicMs());
    position = next;
  }
}

/** The next answer, however long it takes; `undefined` when the sync is to stop. */
async function receive(running: RunningSync, { nextBatch }: Position): Promise<Json | undefined> {
  const { connection, session, stop, timeoutMs, maxBodyBytes } = running;
  const isFirst = nextBatch === undefined;
  const query = { since: nextBatch, timeout: isFirst ? 0 : timeoutMs };
  const limitMs = query.timeout + (isFirst ? answerTimeMs.first : answerTimeMs.later);
  const options = { session, query, signal: stop, timeoutMs: limitMs, maxBodyBytes, attempts: "once" } as const;
  for (let failures = 1; !stop.aborted; failures++) {
    try {
      const answer = await request(connection, "GET", "v3/sync", options);
      stringIn(answer, "next_batch");
      return answer;
    } catch (error) {
      if (stop.aborted) return undefined;
      if (!isPassing(error)) throw error;
      const { env, publisher } = connection;
      const delayMs = pauseMs(error, failures, env);
      const failedAt = env.monotonicMs();
      await publisher.publish(new SyncFailed(error, env.now() + delayMs));
      await pause(running, failedAt + delayMs - env.monotonicMs());
    }
  }
  return undefined;
}

/** Whether the next attempt may fare better: the homeserver was not there, or not well, or asks to wait. */
function isPassing(error: unknown): error is ConnectionError | MatrixError {
  if (error instanceof ConnectionError) return !(error instanceof BodyTooLargeError);
  return error instanceof MatrixError && (error.status === 429 || error.status >= 500 || isLocked(error));
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#account-locking */
function isLocked(error: ConnectionError | MatrixError): boolean {
  return error instanceof MatrixError && error.errcode === "M_USER_LOCKED";
}

function pauseMs(error: ConnectionError | MatrixError, failures: number, env: Env): number {
  const ownMs = isLocked(error) ? lockedPauseMs : backOffMs(env, failures);
  return Math.min(Math.max(error.retryAfterMs ?? 0, ownMs), longestPauseMs);
}

/** Publishes what an answer brought; resolves with how far that went. */
async function deliver(
  { connection, stop }: RunningSync,
  answer: Json,
  position: Position,
): Promise<{ next: Position; count: number }> {
  const before = new Set(position.handled);
  const handled: string[] = [];
  for (const { id, message } of newsIn(answer, position.nextBatch === undefined)) {
    if (stop.aborted) {
      return { next: { ...position, handled: [...new Set([...before, ...handled])] }, count: handled.length };
    }
    if (before.has(id)) continue;
    await connection.publisher.publish(message);
    handled.push(id);
  }
  return { next: { nextBatch: stringIn(answer, "next_batch"), handled: [] }, count: handled.length };
}

/** Makes a position durable; resolves with whether the session still goes on. */
async function store({ connection, session }: RunningSync, position: Position): Promise<boolean> {
  const isCurrent = await storeFor(connection, session, (transaction) => {
    transaction.set("sync", { ...position });
  });
  if (isCurrent) return true;
  // It has ended: here, or in another process that shares the storage.
  await forgetSession(connection, session);
  await tellLoggedOut(connection, session);
  return false;
}

async function pause({ connection: { env }, stop }: RunningSync, delayMs: number): Promise<void> {
  await wait(env, Math.max(0, delayMs), stop).catch(() => {
    // Aborted: whoever waited looks at `stop` next.
  });
}

function restorePosition(stored: StorageValue | undefined): Position {
  const { nextBatch, handled } = isJsonObject(stored) ? stored : {};
  return {
    ...(typeof nextBatch === "string" && { nextBatch }),
    handled: Array.isArray(handled) ? handled.filter((id) => typeof id === "string") : [],
  };
}
