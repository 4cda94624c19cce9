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
  const opened = await openStorage(options.storage);
  try {
    const storage = opened.storage.namespace("client");
    const { homeserver, session } = await restore(storage, options.homeserver, closing);
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
async function openStorage(source: StorageSource): Promise<{ storage: Storage; close(): Promise<void> }> {
  if (typeof source !== "function") return { storage: toStorage(source), async close() {} };
  try {
    const storage = toStorage(await source());
    return { storage, close: () => storage.close() };
  } catch (cause) {
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
  const isOther = stored?.baseClientUrl !== found.baseClientUrl;
  const session = isOther ? undefined : restoreSession(storedSession);
  const homeserver = isOther ? found : { ...stored, ...found };
  if (JSON.stringify(homeserver) !== JSON.stringify(stored)) {
    await storage.transaction((transaction) => {
      if (isOther) transaction.clear();
      transaction.set("homeserver", toStored(homeserver));
    });
  }
  return { homeserver, session };
}
