import type { StorageValue } from "@mx/storage";
import { stringIn } from "./answer.js";
import { backOffMs } from "./back-off.js";
import type { Connection } from "./connection.js";
import { AlreadySyncingError, ConnectionError, MatrixError } from "./errors.js";
import { isJsonObject, type JsonObject } from "./json.js";
import { EventReceived, SyncFailed } from "./messages.js";
import { request } from "./request.js";
import { requireSession } from "./session.js";
import { joinSignals } from "./signals.js";
import { messagesIn } from "./sync-answer.js";
import { wait } from "./wait.js";

// 1. What a sync brought is published in order, one message after the other, each when the subscribers of the one before are done.
// 2. Only when all of it has been handled is its `next_batch` stored: after a crash it comes again, and nothing is missed.
// 3. A sync that is ended in the middle stores what it has handled, so that only the rest comes again.

export interface SyncOptions {
  /** Ends the sync, as `close` and `logout` do; its promise resolves then. */
  readonly signal?: AbortSignal;
  /** How long the homeserver may hold a request while there is nothing new; 30 s by default. */
  readonly timeoutMs?: number;
}

/** How far the client has come: the events after `nextBatch` are new, but for those in `handled`. */
interface Position {
  /** Missing before the first sync. */
  readonly nextBatch?: string;
  readonly handled: readonly string[];
}

/** The time for an answer beyond that for which the homeserver may hold it; the first one tells of all rooms. */
const answerTimeMs = { first: 300_000, later: 30_000 };

/**
 * Receives what is new and publishes it, until the client is closed or logs out. Rejects when the homeserver refuses for good, and lives
 * through everything else: it publishes a `SyncFailed` then, and tries again.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#syncing
 */
export async function sync(connection: Connection, options: SyncOptions = {}): Promise<void> {
  requireSession(connection, "sync");
  if (connection.syncing) throw new AlreadySyncingError();
  const stop = joinSignals(connection.closing, options.signal);
  try {
    connection.stopSync = () => stop.abort(undefined);
    connection.syncing = run(connection, stop.signal, options.timeoutMs ?? 30_000);
    await connection.syncing;
  } finally {
    connection.syncing = undefined;
    connection.stopSync = undefined;
    stop.end();
  }
}

async function run(connection: Connection, stop: AbortSignal, timeoutMs: number): Promise<void> {
  const { userId, deviceId } = requireSession(connection, "sync");
  let position = restorePosition(await connection.storage.get("sync"));
  while (!stop.aborted) {
    const answer = await receive(connection, position, stop, timeoutMs);
    if (answer === undefined) return;
    const next = await deliver(connection, answer, position, stop);
    // A subscriber may have logged out, and even in again: what has come belongs to the session that was.
    const { session } = connection;
    if (session?.userId !== userId || session.deviceId !== deviceId) return;
    await connection.storage.set("sync", { ...next });
    // A homeserver that answers at once, again and again, that there is nothing new is asked five times a second at most.
    if (next.nextBatch === position.nextBatch) await pause(connection, 200, stop);
    position = next;
  }
}

/** The next answer, however long it takes; `undefined` when the sync is to stop. */
async function receive(
  connection: Connection,
  { nextBatch }: Position,
  stop: AbortSignal,
  timeoutMs: number,
): Promise<JsonObject | undefined> {
  const { env, publisher } = connection;
  const query = { since: nextBatch, timeout: nextBatch === undefined ? 0 : timeoutMs };
  const limitMs = query.timeout + (nextBatch === undefined ? answerTimeMs.first : answerTimeMs.later);
  for (let failures = 1; !stop.aborted; failures++) {
    try {
      const options = { query, signal: stop, timeoutMs: limitMs, attempts: "once" } as const;
      const answer = await request(connection, "GET", "v3/sync", options);
      stringIn(answer, "next_batch");
      return answer;
    } catch (error) {
      if (stop.aborted) return undefined;
      if (!isPassing(error)) throw error;
      const delayMs = error.retryAfterMs ?? backOffMs(env, failures);
      await publisher.publish(new SyncFailed(error, env.now() + delayMs));
      await pause(connection, delayMs, stop);
    }
  }
  return undefined;
}

/** Whether the next attempt may fare better: the homeserver was not there, or not well, or asks to wait. */
function isPassing(error: unknown): error is ConnectionError | MatrixError {
  if (error instanceof ConnectionError) return true;
  return error instanceof MatrixError && (error.status === 429 || error.status >= 500);
}

/** Publishes what an answer brought; resolves with how far that went. */
async function deliver(
  connection: Connection,
  answer: JsonObject,
  position: Position,
  stop: AbortSignal,
): Promise<Position> {
  const handled = new Set(position.handled);
  for (const message of messagesIn(answer, position.nextBatch === undefined)) {
    if (stop.aborted) return { ...position, handled: [...handled] };
    const eventId = message instanceof EventReceived ? message.event.event_id : undefined;
    if (eventId !== undefined && handled.has(eventId)) continue;
    await connection.publisher.publish(message);
    if (eventId !== undefined) handled.add(eventId);
  }
  return { nextBatch: stringIn(answer, "next_batch"), handled: [] };
}

async function pause({ env }: Connection, delayMs: number, stop: AbortSignal): Promise<void> {
  await wait(env, delayMs, stop).catch(() => {
    // Aborted: whoever waited looks at `stop` next.
  });
}

function restorePosition(stored: StorageValue | undefined): Position {
  const { nextBatch, handled } = isJsonObject(stored) ? stored : {};
  return {
    ...(typeof nextBatch === "string" && { nextBatch }),
    handled: Array.isArray(handled) ? handled.filter((eventId) => typeof eventId === "string") : [],
  };
}
