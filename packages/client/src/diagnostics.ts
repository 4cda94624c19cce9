/**
 * What is told of one call of an endpoint, with all its attempts: enough for a span or a metric of few series. There is never a
 * token, a body, a query or a value of a path in it. What is not known yet, or never will be, is `undefined`.
 *
 * On Node, Deno and Bun it is the context of the tracing channel `mx.client.request`, and the same object in each of its messages, so
 * that it can be the key of a `WeakMap`. Nothing is told in browsers.
 *
 * ```ts
 * import { tracingChannel } from "node:diagnostics_channel";
 * import type { RequestDiagnostics } from "@mx/client";
 *
 * tracingChannel<unknown, RequestDiagnostics>("mx.client.request").asyncEnd.subscribe((message) => {
 *   const { method, template, status, attempts, durationMs } = message as RequestDiagnostics;
 *   console.log(`${method} ${template}: ${status} after ${attempts} attempts in ${durationMs} ms`);
 * });
 * ```
 *
 * A tracer binds its own `AsyncLocalStorage` to the channel `start` (`start.bindStore(storage, startSpan)`): what the call does,
 * down to its sockets, then runs inside the span.
 */
export interface RequestDiagnostics {
  /** Such as `GET`. */
  readonly method: string;
  /** The path with `{}` for each value, such as `v3/rooms/{}/leave`; a path that was passed as a plain string, as it is. */
  readonly template: string;
  /** The origin of the homeserver's base URL, such as `https://matrix.example.org`. */
  readonly homeserver: string;
  /** How many requests have been made. */
  attempts: number;
  /** The HTTP status of the last answer. */
  status?: number | undefined;
  /** From the call to its end, on a clock that only goes forward. */
  durationMs?: number | undefined;
  /** What the call rejects with. */
  error?: unknown;
}

/** Makes a call, and tells whoever listens when it begins and how it ends. */
export type Trace = <Result>(
  context: RequestDiagnostics,
  monotonicMs: () => number,
  work: () => Promise<Result>,
) => Promise<Result>;
