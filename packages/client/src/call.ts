import { trace } from "#diagnostics";
import { writeBody } from "./check-request.js";
import type { Connection } from "./connection.js";
import { withDeadline } from "./deadline.js";
import type { RequestDiagnostics } from "./diagnostics.js";
import { type Endpoint, originOf, type Query, templateOf, urlOf } from "./endpoint.js";
import { hasEffect } from "./exchange.js";
import type { Json } from "./json.js";

/** What one call of an endpoint is made with. */
export interface CallOptions {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: object;
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether making the request twice has the effect of making it once, so that one whose outcome is unknown can be made again. By default
   * all but `POST` are taken for such.
   */
  readonly idempotent?: boolean;
  /** The time for the whole answer, with all attempts; 60 s by default. */
  readonly timeoutMs?: number | undefined;
  /** The most bytes that the answer may have, decompressed. By default 32 MiB for a `GET`, 16 MiB for a `POST` and 64 KiB for what only changes something. */
  readonly maxBodyBytes?: number | undefined;
}

/** What calls of ours are made with, too. */
export interface OwnCallOptions extends CallOptions {
  /** The name of a string that the answer has to have. */
  readonly answerHas?: string;
  /** `once` is for callers that have a way of their own to try again. */
  readonly attempts?: "once";
}

interface OwnOptions extends OwnCallOptions {
  /** Goes to the homeserver of the connection, in a header. */
  readonly accessToken?: string;
  /** Aborted when the session is over that the call is made in. */
  readonly ended?: AbortSignal;
}

export const defaultTimeoutMs = 60_000;

const KiB = 1024;
const defaultMaxBodyBytes: { readonly [method: string]: number | undefined } = {
  GET: 32 * KiB * KiB,
  POST: 16 * KiB * KiB,
};

/** Calls an endpoint of the homeserver's client-server API, with the access token that it is given or none. */
export async function call(
  connection: Connection,
  method: string,
  endpoint: string | Endpoint,
  options: OwnOptions = {},
): Promise<Json> {
  const { env, closing, homeserver } = connection;
  const attempt = `${method} ${String(endpoint)}`;
  const verb = method.toUpperCase();
  const {
    query,
    body,
    signal,
    accessToken,
    ended,
    timeoutMs = defaultTimeoutMs,
    idempotent = verb !== "POST",
  } = options;
  const { maxBodyBytes = defaultMaxBodyBytes[verb] ?? 64 * KiB } = options;
  const exchange = options.attempts === "once" ? connection.exchangeOnce : connection.exchange;
  const url = urlOf(homeserver.baseClientUrl, endpoint, query);
  const headers: Record<string, string> = {};
  if (accessToken !== undefined) headers["authorization"] = `Bearer ${accessToken}`;
  if (body) headers["content-type"] = "application/json";
  const text = body && writeBody(attempt, body);
  const diagnostics: RequestDiagnostics = {
    method: verb,
    template: templateOf(endpoint),
    homeserver: originOf(homeserver.baseClientUrl),
    attempts: 0,
  };
  const limits = {
    env,
    attempt,
    timeoutMs,
    hasEffect: hasEffect({ method: verb }),
    signals: [closing, ended, signal],
  };
  const request = {
    method: verb,
    url,
    headers,
    ...(text !== undefined && { body: text }),
    timeoutMs,
    maxBodyBytes,
    attempt,
    answerHas: options.answerHas,
    idempotent,
    diagnostics,
  } as const;
  return trace(diagnostics, env.monotonicMs, () =>
    withDeadline(limits, (limit) => exchange({ ...request, signal: limit })),
  );
}
