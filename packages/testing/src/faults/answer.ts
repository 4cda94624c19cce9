import { STATUS_CODES } from "node:http";
import type { Interceptor } from "../interceptors.js";
import { HTML, JSON_TYPE } from "./content-types.js";

/** What a rate limit says about the time to wait; nothing by default. */
export interface RateLimit {
  /** The `Retry-After` header, as it is: seconds, a date, or anything else. */
  readonly retryAfter?: string;
  /** The `retry_after_ms` of the body: milliseconds, or anything else that can be written as JSON. */
  readonly retryAfterMs?: unknown;
}

/**
 * Answers with a status and a body, whatever they are: `answerWith(200, "null")`, `answerWith(200, "\uFEFF{}")`, `answerWith(204)`.
 * The body is said to be JSON, unless `headers` say otherwise. The homeserver does not process the request.
 */
export function answerWith(
  status: number,
  body: string | Uint8Array = "",
  headers: Readonly<Record<string, string>> = {},
): Interceptor {
  return (_request, response) => {
    response.statusCode = status;
    response.setHeader("Content-Type", JSON_TYPE);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.end(body);
  };
}

/** Answers with a redirect to a URL. The homeserver does not process the request. */
export function redirectTo(url: string, status = 302): Interceptor {
  return answerWith(status, "", { Location: url });
}

/**
 * Answers with 429 `M_LIMIT_EXCEEDED`. The homeserver does not process the request.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#rate-limiting
 */
export function rateLimited({ retryAfter, retryAfterMs }: RateLimit = {}): Interceptor {
  const body = { errcode: "M_LIMIT_EXCEEDED", error: "Too Many Requests", retry_after_ms: retryAfterMs };
  return answerWith(429, JSON.stringify(body), retryAfter === undefined ? {} : { "Retry-After": retryAfter });
}

/** Answers with 500 `M_UNKNOWN`. The homeserver does not process the request. */
export function serverError(): Interceptor {
  return answerWith(500, JSON.stringify({ errcode: "M_UNKNOWN", error: "Internal server error" }));
}

/** Answers with the HTML page of a proxy that does not reach the homeserver: it does not process the request. */
export function gatewayError(status = 502): Interceptor {
  const title = `${status} ${STATUS_CODES[status] ?? ""}`;
  return answerWith(status, `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`, {
    "Content-Type": HTML,
  });
}
