import { BodyTooLargeError, readText } from "./body.js";
import type { RequestDiagnostics } from "./diagnostics.js";
import type { Env, OpenEnv } from "./env.js";
import { ConnectionError, MatrixError } from "./errors.js";
import type { FetchResponse } from "./fetch.js";
import { fetchText } from "./fetch-text.js";
import { foreignError } from "./foreign-error.js";
import { isRedirect } from "./is-redirect.js";
import { isJsonObject, type Json, type JsonObject } from "./json.js";
import { parseJson } from "./parse-json.js";
import { retryAfterMs } from "./retry-after.js";
import { redactorFor, type Redact } from "./secrets.js";
import type { StopSignal } from "./signals.js";
import { wasNotSent } from "./unsent.js";

/** One request, ready for the wire. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly signal: StopSignal;
  /** The time for everything: connecting, the answer's last byte, and all attempts. */
  readonly timeoutMs: number;
  /** The most bytes of a body, after decompression. */
  readonly maxBodyBytes: number;
  /** What is tried, as an error says it after "Cannot": no token, no query. */
  readonly attempt: string;
  /** The name of a string that the answer has to have: without it, it is as broken as one that is no JSON. */
  readonly answerHas?: string | undefined;
  /** Whether making it twice has the effect of making it once. */
  readonly idempotent: boolean;
  /** Whether an attempt before this one may have been processed. */
  readonly wasSent?: boolean;
  /** Filled in on the way. */
  readonly diagnostics: Pick<RequestDiagnostics, "attempts" | "status">;
}

/** Sends a request and resolves with the JSON of a 2xx answer; rejects with a `MatrixError` or a `ConnectionError`. */
export type Exchange = (request: HttpRequest) => Promise<Json>;

/** The most bytes of an answer that is no success: errors are short, and what is longer is none of a homeserver. */
const maxErrorBytes = 64 * 1024;

/** One attempt: the request, the whole answer, and what it means. */
export function exchangeOver(env: OpenEnv): Exchange {
  return async (request) => {
    const { method, url, headers, body, signal, idempotent, wasSent = false, diagnostics } = request;
    // An attempt that is not made does not count.
    signal.throwIfAborted();
    diagnostics.attempts++;
    const init = {
      method,
      headers,
      // Neither a token nor a body goes where a redirect leads.
      redirect: "manual" as const,
      signal,
      // What cannot be repeated must not meet a connection that is about to close, nor what has just met one.
      isAlone: !idempotent || diagnostics.attempts > 1,
      ...(body !== undefined && { body }),
    };
    const { response, text } = await fetchText(env.fetch, url, init, {
      read(answer) {
        diagnostics.status = answer.status;
        return readAnswer(answer, request);
      },
      problem(error, answer) {
        if (error instanceof BodyTooLargeError) return error;
        if (answer) return cutAnswer(request, error, answer, env);
        return noAnswer(request, error, { outcomeUnknown: hasEffect(request) && (wasSent || !wasNotSent(error)) });
      },
    });
    return understand(request, response, text, env);
  };
}

/** Whether a request changes something. */
export function hasEffect({ method }: { readonly method: string }): boolean {
  return method !== "GET" && method !== "HEAD";
}

const isSuccess = ({ status }: FetchResponse): boolean => status >= 200 && status < 300;

async function readAnswer(response: FetchResponse, request: HttpRequest): Promise<string> {
  const { maxBodyBytes, attempt } = request;
  const limit = isSuccess(response) ? maxBodyBytes : maxErrorBytes;
  try {
    return await readText(response.body, limit, attempt);
  } catch (error) {
    if (!(error instanceof BodyTooLargeError)) throw error;
    if (!isSuccess(response)) return "";
    throw new BodyTooLargeError(error.message, { status: response.status, outcomeUnknown: hasEffect(request) });
  }
}

/** Its status is known all the same. A refusal is asked for again for its words, so that it is not told as one here. */
function cutAnswer(request: HttpRequest, error: unknown, response: FetchResponse, env: Env): ConnectionError {
  const { status } = response;
  return noAnswer(request, error, {
    found: `the answer ${status} was cut off: `,
    status: isSuccess(response) ? status : undefined,
    retryAfterMs: retryAfterMs(response.headers, undefined, env),
    outcomeUnknown: isUnclear(request, status),
  });
}

function noAnswer(
  request: HttpRequest,
  error: unknown,
  {
    found: start = "",
    ...details
  }: { found?: string; status?: number | undefined; retryAfterMs?: number | undefined; outcomeUnknown: boolean },
): ConnectionError {
  const redact = redactorFor(request);
  const query = new URL(request.url).search;
  const cause = foreignError(error, (text) => redact(query === "" ? text : text.replaceAll(query, "")));
  return new ConnectionError(`Cannot ${request.attempt}: ${start}${cause.message}`, { cause, ...details });
}

function understand(request: HttpRequest, response: FetchResponse, text: string, env: Env): Json {
  const { status } = response;
  const isForeign = isElsewhere(response.url, request.url);
  const ok = isSuccess(response) && !isForeign;
  const data = parseJson(text);
  const { attempt, answerHas } = request;
  if (ok && isAnswer(data, answerHas)) return data;

  const retry = retryAfterMs(response.headers, data, env);
  if (!ok && !isForeign && isRefusal(data)) throw refusal(request, status, data, retry);
  throw new ConnectionError(`Cannot ${attempt}: the answer was ${found(status, ok, isForeign, answerHas)}`, {
    status: status || 302,
    retryAfterMs: retry,
    outcomeUnknown: isUnclear(request, status),
  });
}

function refusal(
  request: HttpRequest,
  status: number,
  answer: JsonObject & { readonly errcode?: string },
  retry: number | undefined,
): MatrixError {
  const data = objectWithout(answer, redactorFor(request), maxLevels);
  const { error, errcode: given } = data;
  const errcode = typeof given === "string" ? given : "M_UNKNOWN";
  const words = typeof error === "string" ? ` ${JSON.stringify(error.slice(0, 300))}` : "";
  const code = JSON.stringify(errcode.slice(0, 100)).slice(1, -1);
  const answered =
    given === undefined
      ? `wants the user to prove who they are (${stagesIn(data)}); answer in callbacks.authenticate`
      : `answered ${status} ${code}${words}`;
  return new MatrixError(`Cannot ${request.attempt}: the homeserver ${answered}`, {
    errcode,
    status,
    data,
    retryAfterMs: retry,
    outcomeUnknown: isUnclear(request, status),
  });
}

/** What the flows of a challenge ask for: names with dots, such as `m.login.dummy`. */
function stagesIn({ flows }: JsonObject): string {
  return [...new Set(JSON.stringify(flows).match(/\w+(\.[\w-]+)+/g))].join(", ").slice(0, 200);
}

/** A homeserver that says no has done nothing; one that stumbles, or says what makes no sense, may have done it before. */
function isUnclear(request: HttpRequest, status: number): boolean {
  return hasEffect(request) && (status >= 500 || (status >= 200 && status < 300) || request.wasSent === true);
}

/** What nests deeper in a refusal is left out: nothing in the specification does. */
const maxLevels = 32;

function objectWithout(data: JsonObject, redact: Redact, levels: number): JsonObject {
  const without = (key: string, value: Json): Json =>
    typeof value === "string"
      ? redact(value, key === "session" ? "id" : undefined)
      : valueWithout(value, redact, levels - 1);
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [redact(key, "name"), without(key, value)]));
}

function valueWithout(value: Json, redact: Redact, levels: number): Json {
  if (typeof value === "string") return redact(value);
  if (typeof value !== "object" || value === null) return value;
  if (levels === 0) return null;
  if (isJsonObject(value)) return objectWithout(value, redact, levels);
  return value.map((item) => valueWithout(item, redact, levels - 1));
}

/** A `fetch` that follows redirects though it was told not to brings the answer of somebody else. */
function isElsewhere(answered: string, asked: string): boolean {
  return answered !== "" && answered !== asked && new URL(answered).origin !== new URL(asked).origin;
}

/** All answers of the specification are objects, but for a few lists. */
function isAnswer(data: Json | undefined, has: string | undefined): data is Json {
  if (has !== undefined) return isJsonObject(data) && typeof data[has] === "string" && data[has] !== "";
  return typeof data === "object" && data !== null;
}

/** An error of the specification; the first answer of user-interactive authentication is one without a code. */
function isRefusal(data: Json | undefined): data is JsonObject & { readonly errcode?: string } {
  if (!isJsonObject(data)) return false;
  const { errcode, flows } = data;
  return typeof errcode === "string" || (errcode === undefined && Array.isArray(flows));
}

function found(status: number, ok: boolean, isForeign: boolean, answerHas: string | undefined): string {
  if (isForeign) return "that of another server: the given fetch has followed a redirect";
  if (ok && answerHas !== undefined) return `${status} with a body that lacks its "${answerHas}"`;
  if (ok) return `${status} with a body that is no JSON object`;
  if (isRedirect(status)) return "a redirect, which would take the token elsewhere";
  return `${status} with no Matrix error`;
}
