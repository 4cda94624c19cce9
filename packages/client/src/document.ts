import { BodyTooLargeError, readText } from "./body.js";
import { withDeadline } from "./deadline.js";
import type { OpenEnv } from "./env.js";
import { ConnectionError } from "./errors.js";
import type { FetchInit } from "./fetch.js";
import { type FetchedText, fetchText } from "./fetch-text.js";
import { foreignError } from "./foreign-error.js";
import { isRedirect } from "./is-redirect.js";
import type { Json } from "./json.js";
import { parseJson } from "./parse-json.js";
import type { StopSignal } from "./signals.js";
import { isStorable } from "./storable.js";

/** A public JSON document, and how it is read. No token is sent for it, whoever answers. */
export interface DocumentRequest {
  readonly url: string;
  /** What is tried, as an error says it after "Cannot". */
  readonly attempt: string;
  readonly signal: AbortSignal | undefined;
  /** The time for everything, redirects included. */
  readonly timeoutMs: number;
  readonly maxRedirects: number;
  /** Says of each URL that a redirect leads to what is wrong with it, if something is: it is not asked then. */
  readonly whyNot: (url: URL) => string | undefined;
}

const maxBodyBytes = 64 * 1024;

/** Reads a document; rejects with a `ConnectionError`, which has a status when there was an answer. */
export async function readDocument(env: OpenEnv, request: DocumentRequest): Promise<Json> {
  const { attempt, timeoutMs, signal } = request;
  const limits = { env, attempt, timeoutMs, signals: [signal] };
  const { response, text } = await withDeadline(limits, (limit) => getPage(env, request, limit));
  const { status } = response;
  const wrong = (found: string): ConnectionError =>
    new ConnectionError(`Cannot ${attempt}: the answer ${found}`, { status });
  if (status !== 200) throw wrong(isRedirect(status) ? "was a redirect" : `was ${status}`);
  const document = parseJson(text);
  if (document === undefined) throw wrong("was 200 with a body that is not JSON");
  if (!isStorable(document)) throw wrong("nests too deep, or holds a number that is too large");
  return document;
}

// Redirects are followed here and not by `fetch`, so that the next host is looked at before it is asked.
async function getPage(env: OpenEnv, request: DocumentRequest, signal: StopSignal): Promise<FetchedText> {
  const { attempt, maxRedirects, whyNot } = request;
  const refused = (found: string): ConnectionError =>
    new ConnectionError(`Cannot ${attempt}: it was redirected ${found}`, { status: 302 });
  const check = (url: URL): void => {
    const reason = whyNot(url);
    if (reason !== undefined) throw refused(`to "${url.protocol}//${url.host}", which is ${reason}`);
  };
  const get = async (url: string, redirect: FetchInit["redirect"]): Promise<FetchedText> => {
    const init = { method: "GET", headers: {}, redirect, signal, isAlone: true };
    const { response, text } = await fetchText(env.fetch, url, init, {
      read: ({ body }) => readText(body, maxBodyBytes, attempt),
      problem(error, answer) {
        const cause = foreignError(error, (words) => words);
        const isTooLarge = error instanceof BodyTooLargeError;
        const found = isTooLarge ? `the answer is larger than ${maxBodyBytes} bytes` : cause.message;
        const status = answer?.status ?? (redirect === "follow" ? 302 : undefined);
        return new ConnectionError(`Cannot ${attempt}: ${found}`, { cause, status });
      },
    });
    if (response.url !== "") check(new URL(response.url));
    return { response, text };
  };

  let { url } = request;
  for (let redirects = 0; ; redirects++) {
    const page = await get(url, "manual");
    const { status, headers } = page.response;
    if (maxRedirects === 0 || !isRedirect(status)) return page;
    // A browser does not tell where a redirect leads, only where it has led to.
    if (status === 0) return get(url, "follow");
    const location = headers.get("location");
    if (location === null || !URL.canParse(location, url)) return page;
    if (redirects === maxRedirects) throw refused(`more than ${maxRedirects} times`);
    const next = new URL(location, url);
    check(next);
    url = next.href;
  }
}
