import type { JsonObject } from "./json.js";

/**
 * The homeserver answered and refused. Branch on `errcode`.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#standard-error-response
 */
export class MatrixError extends Error {
  override readonly name = "MatrixError";
  /** Such as `M_FORBIDDEN`; `M_UNKNOWN` when the answer has none, as the first one of user-interactive authentication. */
  readonly errcode: string;
  /** The HTTP status of the answer. */
  readonly status: number;
  /** How long the homeserver asks to wait before the next attempt, if it does. */
  readonly retryAfterMs: number | undefined;
  /** The whole error object, in the specification's spelling: some errors carry more than their code. */
  readonly data: JsonObject;
  /** Whether the homeserver may have done what was asked for, all the same: an error of its own (5xx) does not say. */
  readonly outcomeUnknown: boolean;

  constructor(
    message: string,
    details: {
      errcode: string;
      status: number;
      data: JsonObject;
      retryAfterMs?: number | undefined;
      outcomeUnknown?: boolean;
    },
  ) {
    super(messageOf(message, details));
    this.outcomeUnknown = details.outcomeUnknown ?? false;
    this.errcode = details.errcode;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.data = details.data;
  }
}

/** There was no usable answer: no connection, none in time, or something that no homeserver would say. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  /** The HTTP status, when an answer came but was not usable. */
  readonly status: number | undefined;
  /** How long the answer asks to wait before the next attempt, if it does. */
  readonly retryAfterMs: number | undefined;
  /**
   * Whether the homeserver may have done what was asked for. What has a second effect when it is done twice, such as creating a room, is
   * not to be repeated then before somebody has looked.
   */
  readonly outcomeUnknown: boolean;

  constructor(
    message: string,
    options: {
      cause?: unknown;
      status?: number | undefined;
      retryAfterMs?: number | undefined;
      outcomeUnknown?: boolean;
    } = {},
  ) {
    super(messageOf(message, options), "cause" in options ? { cause: options.cause } : undefined);
    this.outcomeUnknown = options.outcomeUnknown ?? false;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

function messageOf(message: string, { outcomeUnknown = false }: { outcomeUnknown?: boolean }): string {
  return outcomeUnknown ? `${message}; it may have been done all the same` : message;
}

/**
 * The homeserver of a server name could not be found. `outcome` is what the specification says to do next.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#well-known-uris
 */
export class DiscoveryError extends Error {
  override readonly name = "DiscoveryError";
  /**
   * - `IGNORE`: the server has no well-known document; ask the user for the homeserver's URL, or use a default.
   * - `FAIL_PROMPT`: what was given or found makes no sense; tell the user, and ask for the homeserver's URL.
   * - `FAIL_ERROR`: the document names a homeserver, and there is none; tell the user, and go no further.
   */
  readonly outcome: "IGNORE" | "FAIL_PROMPT" | "FAIL_ERROR";

  constructor(message: string, outcome: DiscoveryError["outcome"], options?: { cause: unknown }) {
    super(message, options);
    this.outcome = outcome;
  }
}

/** A client without `baseClientUrl` was used on a storage that holds none. */
export class NoBaseUrlError extends Error {
  override readonly name = "NoBaseUrlError";

  constructor() {
    super(
      "Cannot use the client: there is no base URL, neither given nor in its storage; " +
        'create it with homeserver: () => discover("example.org")',
    );
  }
}

/** The call needs a session, and there is none. */
export class NotLoggedInError extends Error {
  override readonly name = "NotLoggedInError";

  constructor(attempt: string) {
    super(`Cannot ${attempt}: the client is not logged in; call login() first`);
  }
}

/** `login` was called on a client that has a session, or is logging in. */
export class AlreadyLoggedInError extends Error {
  override readonly name = "AlreadyLoggedInError";

  constructor(userId?: string, wayOut: string = userId === undefined ? "await it" : "call logout() first") {
    const found = userId === undefined ? "a login is under way" : `the client is logged in as "${userId}"`;
    super(`Cannot log in: ${found}; ${wayOut}`);
  }
}

/** `sync` was called while it was running. */
export class AlreadySyncingError extends Error {
  override readonly name = "AlreadySyncingError";

  constructor() {
    super("Cannot sync: it is running; await what its first call returned");
  }
}

/** The client was closed before the call, or during it. */
export class ClientClosedError extends Error {
  override readonly name = "ClientClosedError";

  constructor() {
    super("Cannot use the client: it is closed; create a new one on the same storage");
  }
}
