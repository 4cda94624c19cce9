import type { Connection } from "./connection.js";
import { withDeadline } from "./deadline.js";
import { type Endpoint, type Query, urlOf } from "./endpoint.js";
import type { Json } from "./json.js";

/** What one call of an endpoint is made with. */
export interface CallOptions {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: object;
  readonly signal?: AbortSignal;
  /**
   * Whether making the request twice has the effect of making it once, so that one whose outcome is unknown can be made again. By default
   * all but `POST` are taken for such.
   */
  readonly idempotent?: boolean;
  /** The time for the whole answer, with all attempts; 60 s by default. */
  readonly timeoutMs?: number;
  /** The most bytes that the answer may have; 64 MiB by default. */
  readonly maxBodyBytes?: number;
}

interface OwnOptions extends CallOptions {
  /** Goes to the homeserver of the connection, in a header. */
  readonly accessToken?: string;
  /** Aborted when the session is over that the call is made in. */
  readonly ended?: AbortSignal;
  /** `once` is for callers that have a way of their own to try again. */
  readonly attempts?: "once";
}

/** Calls an endpoint of the homeserver's client-server API, with the access token that it is given or none. */
export async function call(
  connection: Connection,
  method: string,
  endpoint: string | Endpoint,
  options: OwnOptions = {},
): Promise<Json> {
  const { env, closing, homeserver } = connection;
  const { query, body, signal, accessToken, ended, timeoutMs = 60_000, maxBodyBytes = 64 * 1024 * 1024 } = options;
  const attempt = `${method} ${String(endpoint)}`;
  if (!/^[a-z]+$/i.test(method)) throw new TypeError(`Cannot ${attempt}: "${method}" is not a method like "GET"`);
  const exchange = options.attempts === "once" ? connection.exchangeOnce : connection.exchange;
  const url = urlOf(homeserver.baseClientUrl, endpoint, query);
  const headers = {
    ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
    ...(body && { "content-type": "application/json" }),
  };
  const text = body && JSON.stringify(body);
  return withDeadline({ env, attempt, timeoutMs, signals: [closing, ended, signal] }, (limit) =>
    exchange({
      method: method.toUpperCase(),
      url,
      headers,
      ...(text !== undefined && { body: text }),
      redirect: "manual",
      signal: limit,
      timeoutMs,
      maxBodyBytes,
      attempt,
    }),
  );
}
