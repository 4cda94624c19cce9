import { readText } from "./body.js";
import type { Env } from "./env.js";
import { ConnectionError, MatrixError } from "./errors.js";
import type { FetchResponse } from "./fetch.js";
import { isJsonObject, type Json, type JsonObject } from "./json.js";
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

/** Sends a request and resolves with the JSON of a 2xx answer; rejects with a `MatrixError` or a `ConnectionError`. */
export type Exchange = (request: HttpRequest) => Promise<Json>;

/** One attempt: the request, the whole answer, and what it means. */
export function exchangeOver(env: Env): Exchange {
  return async (request) => {
    const { method, url, headers, body, redirect, signal } = request;
    // node-fetch ends the process when it is given a body and a signal that is aborted already.
    signal.throwIfAborted();
    let response: FetchResponse;
    let text: string;
    try {
      response = await env.fetch(url, { method, headers, redirect, signal, ...(body !== undefined && { body }) });
      text = await readText(response.body, request.maxBodyBytes, request.attempt);
    } catch (error) {
      // Some implementations report an abort in words of their own: what counts is why it was aborted.
      if (signal.aborted) throw signal.reason;
      if (error instanceof ConnectionError) throw error;
      throw noAnswer(request, error);
    }
    return understand(request, response, text, env);
  };
}

/** Some implementations name the URL in their errors; a query may hold what is nobody's business. */
function noAnswer({ attempt, url }: HttpRequest, error: unknown): ConnectionError {
  const reason = error instanceof Error ? error.message : String(error);
  const query = new URL(url).search;
  const tells = query !== "" && reason.includes(query);
  const message = `Cannot ${attempt}: ${tells ? reason.replaceAll(query, "") : reason}`;
  return new ConnectionError(message, tells ? {} : { cause: error });
}

function understand(request: HttpRequest, response: FetchResponse, text: string, env: Env): Json {
  const { status } = response;
  const isDowngraded = request.url.startsWith("https:") && response.url.startsWith("http:");
  const data = parse(text);
  const ok = status >= 200 && status < 300 && !isDowngraded;
  if (ok && data !== undefined) return data;

  const retry = retryAfterMs(response.headers, data, env);
  if (!ok && isRefusal(data)) {
    const { errcode = "M_UNKNOWN", error } = data;
    const words = typeof error === "string" ? ` ${JSON.stringify(error.slice(0, 300))}` : "";
    const code = JSON.stringify(errcode.slice(0, 100)).slice(1, -1);
    const message = `Cannot ${request.attempt}: the homeserver answered ${status} ${code}${words}`;
    throw new MatrixError(message, { errcode, status, data, retryAfterMs: retry });
  }
  throw new ConnectionError(`Cannot ${request.attempt}: the answer was ${found(status, ok, isDowngraded)}`, {
    status: status || 302,
    retryAfterMs: retry,
  });
}

/** An error of the specification; the first answer of user-interactive authentication is one without a code. */
function isRefusal(data: Json | undefined): data is JsonObject & { readonly errcode?: string } {
  if (!isJsonObject(data)) return false;
  const { errcode, flows } = data;
  return typeof errcode === "string" || (errcode === undefined && Array.isArray(flows));
}

function found(status: number, ok: boolean, isDowngraded: boolean): string {
  if (isDowngraded) return "not encrypted, though the question was";
  if (ok) return `${status} with a body that is not JSON`;
  if (isRedirect(status)) return "a redirect, which would take the token elsewhere";
  return `${status} with no Matrix error`;
}

/** Browsers say 0 for a redirect that they were told not to follow. */
function isRedirect(status: number): boolean {
  return status === 0 || (status >= 300 && status < 400);
}

function parse(text: string): Json | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it comes out of JSON
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
