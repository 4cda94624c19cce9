import { readText } from "./body.js";
import type { Env } from "./env.js";
import { ConnectionError, MatrixError } from "./errors.js";
import type { FetchResponse } from "./fetch.js";
import { isJsonObject, type JsonObject } from "./json.js";
import { retryAfterMs } from "./retry-after.js";

/** One request, ready for the wire. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  /** Redirects are followed only by requests that carry no token and no body. */
  readonly redirect: "manual" | "follow";
  readonly signal: AbortSignal;
  /** The time for everything: connecting, the answer's last byte, and all attempts. */
  readonly timeoutMs: number;
  /** The most bytes of a body, after decompression. */
  readonly maxBodyBytes: number;
  /** What is tried, as an error says it after "Cannot": no token, no query. */
  readonly attempt: string;
}

/** Sends a request and resolves with the JSON object of a 2xx answer; rejects with a `MatrixError` or a `ConnectionError`. */
export type Exchange = (request: HttpRequest) => Promise<JsonObject>;

/** One attempt: the request, the whole answer, and what it means. */
export function exchangeOver(env: Env): Exchange {
  return async (request) => {
    const { method, url, headers, body, redirect, signal } = request;
    let response: FetchResponse;
    let text: string;
    try {
      response = await env.fetch(url, { method, headers, redirect, signal, ...(body !== undefined && { body }) });
      text = await readText(response.body, request.maxBodyBytes, request.attempt);
    } catch (error) {
      // Some implementations report an abort in words of their own: what counts is why it was aborted.
      if (signal.aborted) throw signal.reason;
      if (error instanceof ConnectionError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ConnectionError(`Cannot ${request.attempt}: ${reason}`, { cause: error });
    }
    return understand(request, response, text, env);
  };
}

function understand(request: HttpRequest, response: FetchResponse, text: string, env: Env): JsonObject {
  const { status } = response;
  const data = parse(text);
  const ok = status >= 200 && status < 300;
  if (ok && isJsonObject(data)) return data;

  const retry = retryAfterMs(response.headers, data, env);
  if (!ok && isJsonObject(data) && typeof data["errcode"] === "string") {
    const { errcode, error } = data;
    const words = typeof error === "string" ? ` ${JSON.stringify(error.slice(0, 300))}` : "";
    const message = `Cannot ${request.attempt}: the homeserver answered ${status} ${errcode.slice(0, 100)}${words}`;
    throw new MatrixError(message, { errcode, status, data, retryAfterMs: retry });
  }
  const found = ok
    ? "a body that is not a JSON object"
    : status >= 300 && status < 400
      ? "a redirect, which is not followed because the token must not leave the homeserver"
      : "no Matrix error";
  throw new ConnectionError(`Cannot ${request.attempt}: the answer was ${status} with ${found}`, {
    status,
    retryAfterMs: retry,
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
