import type { Publisher } from "@mx/pubsub";
import { type Storage, StorageError, type StorageLike, toStorage } from "@mx/storage";
import type { Callbacks } from "./callbacks.js";
import type { Connection } from "./connection.js";
import { type Env, openEnv } from "./env.js";
import { NoBaseUrlError } from "./errors.js";
import { exchangeOver } from "./exchange.js";
import { checkHomeserver, type Homeserver, restoreHomeserver, toStored } from "./homeserver.js";
import { withRetries } from "./retry.js";
import { RoomTurns } from "./room-turns.js";
import { restoreSession } from "./session.js";
import { untilAborted } from "./signals.js";
import { TrackedPublisher } from "./tracked-publisher.js";
import { Unfinished } from "./unfinished.js";

/** What a client is opened with. */
export interface ConnectOptions {
  readonly storage: StorageSource;
  readonly homeserver: HomeserverSource | undefined;
  readonly publisher: Publisher;
  readonly callbacks: Callbacks;
  readonly env: Partial<Env>;
  readonly closing: AbortSignal;
}

/** A storage, or a function that opens one: what it opens is closed with the client. */
export type StorageSource = StorageLike | (() => StorageLike | Promise<StorageLike>);

/** A homeserver that was checked, or a function that finds one: it is asked when there is none in the storage. */
export type HomeserverSource = Homeserver | (() => Homeserver | Promise<Homeserver>);

/** A connection, and how to free what was opened for it. */
export interface OpenConnection extends Connection {
  close(): Promise<void>;
}

/** Opens the storage, finds the homeserver and the session in it, and plugs the parts of a client together. */
export async function connect(options: ConnectOptions): Promise<OpenConnection> {
  const { callbacks, closing } = options;
  const opened = await openStorage(options.storage, closing);
  try {
    const storage = opened.storage.namespace("client");
    const { homeserver, session } = await untilAborted(restore(storage, options.homeserver, closing), closing);
    const { env, close: closeEnv } = openEnv(options.env);
    const exchangeOnce = exchangeOver(env);
    return {
      env,
      publisher: new TrackedPublisher(options.publisher),
      callbacks,
      storage,
      homeserver,
      exchange: withRetries(exchangeOnce, env),
      exchangeOnce,
      turns: new RoomTurns(),
      closing,
      unfinished: new Unfinished(closing),
      session,
      isLoggingIn: false,
      async close() {
        closeEnv();
        await opened.close();
      },
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Who opens closes: a storage that was given open stays so. */
async function openStorage(
  source: StorageSource,
  closing: AbortSignal,
): Promise<{ storage: Storage; close(): Promise<void> }> {
  if (typeof source !== "function") return { storage: toStorage(source), async close() {} };
  const opening = (async () => toStorage(await source()))();
  try {
    const storage = await untilAborted(opening, closing);
    return { storage, close: () => storage.close() };
  } catch (cause) {
    if (closing.aborted) {
      // It may be open some time, and nobody will use it.
      opening.then((storage) => storage.close()).catch(() => undefined);
      throw closing.reason;
    }
    if (cause instanceof StorageError || cause instanceof TypeError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StorageError(`Cannot open the client's storage: ${reason}; the next call tries again`, { cause });
  }
}

/**
 * The homeserver and the session of the client. A homeserver that was given takes the place of the stored one, and if its base URL
 * is another, everything stored is forgotten with it: an access token never reaches a server that did not issue it.
 */
async function restore(
  storage: Storage,
  source: HomeserverSource | undefined,
  closing: AbortSignal,
): Promise<Pick<Connection, "homeserver" | "session">> {
  const [storedHomeserver, storedSession] = await storage.getMany(["homeserver", "session"]);
  const stored = restoreHomeserver(storedHomeserver);
  const given = typeof source === "function" && stored ? undefined : source;
  if (!given) {
    if (!stored) throw new NoBaseUrlError();
    return { homeserver: stored, session: restoreSession(storedSession) };
  }
  const found = typeof given === "function" ? checkHomeserver(await untilAborted(given(), closing)) : given;
  return storage.transaction(async (transaction) => {
    // Another client may have stored one meanwhile, and a session with it.
    const current = restoreHomeserver(await transaction.get("homeserver"));
    const chosen = typeof given === "function" && current ? current : found;
    const isOther = current?.baseClientUrl !== chosen.baseClientUrl;
    const homeserver = isOther ? chosen : { ...current, ...chosen };
    if (isOther) transaction.clear();
    if (JSON.stringify(homeserver) !== JSON.stringify(current)) transaction.set("homeserver", toStored(homeserver));
    return { homeserver, session: isOther ? undefined : restoreSession(await transaction.get("session")) };
  });
}
