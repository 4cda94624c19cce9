import type { Storage } from "@mx/storage";
import type { Callbacks } from "./callbacks.js";
import type { Env } from "./env.js";
import type { Exchange } from "./exchange.js";
import type { Homeserver } from "./homeserver.js";
import type { RoomTurns } from "./room-turns.js";
import type { Session } from "./session.js";
import type { TrackedPublisher } from "./tracked-publisher.js";
import type { Unfinished } from "./unfinished.js";

/** An open client, as its parts see it: what `Client` plugs together on its first call. */
export interface Connection {
  readonly env: Env;
  readonly publisher: TrackedPublisher;
  readonly callbacks: Callbacks;
  /** The namespace that is this client's own. */
  readonly storage: Storage;
  /** Its base URL never changes; what it says of itself is written by supports.ts only, after storage holds it. */
  homeserver: Homeserver;
  /** A request and its answer, tried again where that helps. */
  readonly exchange: Exchange;
  /** The same with one attempt. */
  readonly exchangeOnce: Exchange;
  readonly turns: RoomTurns;
  /** Aborted by `close`, with a `ClientClosedError`. */
  readonly closing: AbortSignal;
  /** What `close` waits for. */
  readonly unfinished: Unfinished;
  /** The current session. It is written by session-life.ts only, after storage holds it. */
  session: Session | undefined;
  isLoggingIn: boolean;
}
