import type { IncomingMessage } from "node:http";
import { targetOf } from "./request-target.js";

const RECORDED_HEADERS = ["accept", "authorization", "content-type", "origin", "user-agent"] as const;

/** A request that has reached the homeserver. */
export interface RecordedRequest {
  readonly method: string;
  /** The path as it was sent, percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The headers that say something about the client, those that it sent. */
  readonly headers: Readonly<Partial<Record<(typeof RECORDED_HEADERS)[number], string>>>;
  /** What was sent, where it is JSON of at most 1 MiB; undefined until all of it has come. */
  readonly body: unknown;
}

/** Records a request that has begun; its body comes later. */
export function recordRequest(request: IncomingMessage): RecordedRequest & { body: unknown } {
  const headers = RECORDED_HEADERS.flatMap((name) => {
    const value = request.headers[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    method: request.method ?? "GET",
    ...targetOf(request),
    headers: Object.fromEntries(headers),
    body: undefined,
  };
}
