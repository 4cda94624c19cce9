import { Publisher } from "@mx/pubsub";
import type { Callbacks } from "./callbacks.js";
import { connect, type HomeserverSource, type OpenConnection, type StorageSource } from "./connect.js";
import { createRoom, type CreateRoomOptions } from "./create-room.js";
import type { Credentials } from "./credentials.js";
import { type Endpoint, type Query, urlOf } from "./endpoint.js";
import { withinCloseLimit } from "./close-limit.js";
import { type Env, worldOf } from "./env.js";
import { ClientClosedError } from "./errors.js";
import type { Feature } from "./features.js";
import { checkHomeserver, type Homeserver, type Versions, type WellKnown } from "./homeserver.js";
import { isJsonObject, type JsonObject } from "./json.js";
import { lazy, type Lazy } from "./lazy.js";
import type { LoginFlow } from "./login-flows.js";
import { login } from "./login.js";
import { logout, logoutAll } from "./logout.js";
import type { MediaUrlOptions } from "./media-url.js";
import { joinRoom, type JoinRoomOptions, leaveRoom } from "./membership.js";
import { ClientClosed } from "./messages.js";
import type { RegisterOptions } from "./register.js";
import { request, type RequestOptions } from "./request.js";
import { sendEvent, type SendOptions, sendStateEvent, sendText } from "./send.js";
import { type AbortOptions, untilAborted } from "./signals.js";
import type { SingleSignOnOptions } from "./single-sign-on.js";
import { sync, type SyncOptions } from "./sync.js";
import { type Identity, identityOf, whoami } from "./whoami.js";

/** What a client is made of. `baseClientUrl` and the four after it are what `discover` resolves with. */
export interface ClientOptions {
  /** What keeps the session: a `Storage`, a `Map` or a `Keyv`; or a function that opens one on the first call. */
  readonly storage: StorageSource;
  /** The homeserver's base URL, stored on the first call. Later clients find it in the storage; another one forgets the session. */
  readonly baseClientUrl?: string;
  readonly wellKnown?: WellKnown;
  readonly versions?: Versions;
  /** When the homeserver was asked for them, in milliseconds since 1970; without it they are asked for when they are needed. */
  readonly versionsAskedAt?: number;
  /** Allows a base URL of `http:`, without encryption, that is not on this machine. One that is stored was allowed before. */
  readonly allowHttp?: boolean;
  /**
   * Finds the homeserver when there is none in the storage, instead of a base URL: `() => discover("example.org")`. It is asked by the
   * first call of all; later clients need no answer.
   */
  readonly homeserver?: () => Homeserver | Promise<Homeserver>;
  /** What the client may ask the application. */
  readonly callbacks?: Callbacks;
  /** Where the client publishes; by default one of its own. */
  readonly publisher?: Publisher;
  /** Replaces the parts of the outside world that it names. */
  readonly env?: Partial<Env>;
}

/**
 * A user's connection to their homeserver. What few applications use is loaded when they do. The constructor does no I/O: the storage is opened, and the session in it restored, by
 * the first call of a method, once for all concurrent calls; when that fails, the next call tries again. After `close`, and for
 * calls that it interrupts, every method rejects with a `ClientClosedError`.
 */
export class Client implements AsyncDisposable {
  /** Tells subscribers of what happens: see messages.ts for the classes of its messages. */
  readonly publisher: Publisher;
  /** The questions that the application answers. */
  readonly callbacks: Callbacks;

  readonly #closing = new AbortController();
  readonly #connection: Lazy<OpenConnection>;
  #opened: OpenConnection | undefined;
  readonly #env: Pick<Env, "setTimeout" | "clearTimeout">;
  #closed: Promise<void> | undefined;
  #freed: Promise<void> | undefined;

  constructor(options: ClientOptions) {
    checkOptions(options);
    const homeserver = homeserverIn(options);
    const { storage, callbacks = {}, publisher = new Publisher(), env = {} } = options;
    this.publisher = publisher;
    this.callbacks = callbacks;
    this.#env = worldOf(env);
    const closing = this.#closing.signal;
    this.#connection = lazy(() => connect({ storage, homeserver, publisher, callbacks, env, closing }));
  }

  /** The URL of an endpoint: `await client.url("v3/sync")`. Rejects with a `TypeError` for one that leads elsewhere. */
  async url(endpoint: string | Endpoint, query?: Query): Promise<string> {
    const { homeserver } = await this.#open();
    return urlOf(homeserver.baseClientUrl, endpoint, query);
  }

  /**
   * The URL of content that was uploaded: `await client.mediaUrl("mxc://example.org/abc123")`. The homeserver answers there when the
   * request has the access token in its `Authorization` header; the token is never in the URL. Rejects with a `TypeError` for what is
   * no content URI, or could lead elsewhere. Homeservers know this URL since version 1.11 of the specification.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediathumbnailservernamemediaid
   */
  async mediaUrl(mxcUri: string, options?: MediaUrlOptions): Promise<string> {
    const { mediaUrl } = await import("./media-url.js");
    const { homeserver } = await this.#open();
    return mediaUrl(homeserver.baseClientUrl, mxcUri, options);
  }

  /**
   * Makes an authenticated request, for endpoints that have no method here. `Answer` is what the specification says that this one
   * answers: it is believed, not checked.
   */
  async request<Answer = JsonObject>(
    method: string,
    endpoint: string | Endpoint,
    options?: RequestOptions,
  ): Promise<Answer> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller knows the endpoint
    return (await request(await this.#open(options), method, endpoint, options)) as Answer;
  }

  /** Asks the homeserver how users can log in. */
  async loginFlows(options?: AbortOptions): Promise<LoginFlow[]> {
    const { loginFlows } = await import("./login-flows.js");
    return loginFlows(await this.#open(options), options);
  }

  /**
   * The URL that the user opens in a browser for single sign-on. It leads back to `redirectUrl` with a login token: see `loginTokenIn`.
   */
  async ssoUrl(redirectUrl: string, options?: SingleSignOnOptions): Promise<string> {
    const { singleSignOnUrl } = await import("./single-sign-on.js");
    return singleSignOnUrl(await this.#open(), redirectUrl, options);
  }

  /** Makes a new user, and logs in as that user. What the homeserver wants to know before is asked by `callbacks.authenticate`. */
  async register(options?: RegisterOptions): Promise<Identity> {
    const { register } = await import("./register.js");
    return register(await this.#open(options), options);
  }

  /**
   * Logs in; the session is stored before this resolves, and later clients on the same storage have it. Rejects with an
   * `AlreadyLoggedInError` when there is a session: one that another process has begun on the same storage is the client's from then on.
   */
  async login(credentials: Credentials, options?: AbortOptions): Promise<Identity> {
    return login(await this.#open(options), credentials, options);
  }

  /** Tells whether there is a session, without asking the homeserver. */
  async isLoggedIn(): Promise<boolean> {
    return (await this.#open()).session !== undefined;
  }

  /** Whose session it is, without asking the homeserver; `undefined` when there is none. */
  async identity(): Promise<Identity | undefined> {
    const { session } = await this.#open();
    return session && identityOf(session);
  }

  /** Asks the homeserver whose session it is. */
  async whoami(options?: AbortOptions): Promise<Identity> {
    return whoami(await this.#open(options), options);
  }

  /** Ends the session, and forgets what this client has stored and nothing else. Logging out twice is one logout. */
  async logout(options?: AbortOptions): Promise<void> {
    return logout(await this.#open(options), options);
  }

  /** The same for all sessions of the user, on all devices. */
  async logoutAll(options?: AbortOptions): Promise<void> {
    return logoutAll(await this.#open(options), options);
  }

  /**
   * Tells whether the homeserver supports a feature: one by name (`"threads"`), a version of the specification (`"v1.11"`), a capability
   * of the user (`"m.change_password"`), or an unstable feature (`"org.matrix.msc4140"`). The answer comes from the storage, and from the
   * homeserver when that is a day old; when it cannot be asked, what is stored counts, however old. Capabilities of the specification
   * need a session; those of others are `false` without one. Rejects with a `TypeError` for what can be no feature.
   */
  async supports(feature: Feature, options?: AbortOptions): Promise<boolean> {
    const { supports } = await import("./supports.js");
    return supports(await this.#open(options), feature, options);
  }

  /** Sends a plain text to a room; resolves with the event's ID. */
  async sendText(roomId: string, text: string, options?: SendOptions): Promise<string> {
    return sendText(await this.#open(options), roomId, text, options);
  }

  /** Sends a message event to a room; resolves with its ID. */
  async sendEvent(roomId: string, type: string, content: object, options?: SendOptions): Promise<string> {
    return sendEvent(await this.#open(options), roomId, type, content, options);
  }

  /** Sets a part of a room's state; the state key is often empty. Resolves with the event's ID. */
  async sendStateEvent(
    roomId: string,
    type: string,
    stateKey: string,
    content: object,
    options?: AbortOptions,
  ): Promise<string> {
    return sendStateEvent(await this.#open(options), roomId, type, stateKey, content, options);
  }

  /** Creates a room; resolves with its ID. */
  async createRoom(room?: CreateRoomOptions, options?: AbortOptions): Promise<string> {
    return createRoom(await this.#open(options), room, options);
  }

  /** Joins a room by its ID or alias; resolves with its ID. */
  async joinRoom(roomIdOrAlias: string, options?: JoinRoomOptions): Promise<string> {
    return joinRoom(await this.#open(options), roomIdOrAlias, options);
  }

  /** Leaves a room, or declines the invitation to it. */
  async leaveRoom(roomId: string, options?: AbortOptions): Promise<void> {
    return leaveRoom(await this.#open(options), roomId, options);
  }

  /** Receives what is new and publishes it, until `close` or `logout`. Rejects when the homeserver refuses for good. */
  async sync(options?: SyncOptions): Promise<void> {
    const connection = await this.#open(options).catch((error: unknown) => {
      if (options?.signal?.aborted) return undefined;
      throw error;
    });
    if (connection) await sync(connection, options);
    // What `close` may not have waited for.
    if (this.#closed) await this.#freed;
  }

  /**
   * Ends everything: requests are aborted, sockets and timers freed, the storage closed if the client has opened it; then publishes
   * `ClientClosed`. Rejects with a `StorageError` when the storage has not finished within 10 s. Closing twice is one close. Subscribers may await it, so one that is at work on a message of this client is not
   * waited for: `sync` waits for it, and stores that it has handled the message.
   */
  async close(): Promise<void> {
    // A subscriber of ClientClosed may wait for this as well: for all but the first caller it does not include that message.
    if (this.#closed) return this.#closed;
    this.#closed = this.#close();
    try {
      await this.#closed;
    } finally {
      await this.publisher.publish(new ClientClosed());
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(options?: AbortOptions): Promise<OpenConnection> {
    if (this.#closed) throw new ClientClosedError();
    // Waiting with a signal takes longer: once it is open, calls go on in their order.
    this.#opened ??= await untilAborted(this.#connection.get(), options?.signal);
    this.#closing.signal.throwIfAborted();
    return this.#opened;
  }

  async #close(): Promise<void> {
    this.#closing.abort(new ClientClosedError());
    const opening = this.#connection.current?.catch(() => undefined);
    if (!opening) return;
    const freeing = (async (): Promise<void> => {
      const connection = await opening;
      await connection?.unfinished.settled();
      await connection?.close();
    })();
    this.#freed = withinCloseLimit(freeing, this.#env);
    // A subscriber that is at work may be the one that waits for this.
    const busy = opening.then((connection) => connection?.publisher.busy() ?? this.#freed);
    await Promise.race([this.#freed, busy]);
  }
}

/** Throws a `TypeError` for what would fail only when it is used, some day. */
function checkOptions(options: unknown): void {
  if (!isJsonObject(options)) throw noClient("there are no options");
  const parts = ["env.fetch", "callbacks.logInAgain", "callbacks.authenticate", "publisher.publish"];
  for (const name of parts) {
    const [part = "", method = ""] = name.split(".");
    const value: unknown = options[part];
    const found: unknown = isJsonObject(value) ? value[method] : value;
    const isDefault = value === undefined || (found === undefined && part !== "publisher");
    if (!isDefault && typeof found !== "function") throw noClient(`${name} is not a function`);
  }
}

/** Where the homeserver comes from, if the options say so; throws a `TypeError` when they do not fit together. */
function homeserverIn(options: ClientOptions): HomeserverSource | undefined {
  const { baseClientUrl, wellKnown, versions, allowHttp, homeserver } = options;
  if (homeserver !== undefined) {
    if (typeof homeserver !== "function") throw noClient("homeserver is not a function, such as () => discover(…)");
    if (baseClientUrl !== undefined) throw noClient("it has a homeserver and a baseClientUrl; leave one out");
    return async () => {
      const found = await homeserver();
      if (isJsonObject(found)) return { ...(allowHttp && { allowHttp }), ...found };
      throw noClient("homeserver is not a function, such as () => discover(…), that gives one");
    };
  }
  if (baseClientUrl !== undefined) return checkHomeserver({ ...options, baseClientUrl });
  if (wellKnown === undefined && versions === undefined) return undefined;
  throw noClient("it has wellKnown or versions but no baseClientUrl that they belong to");
}

function noClient(found: string): TypeError {
  return new TypeError(`Cannot make a client: ${found}`);
}
