import { BodyTooLargeError, readText } from "./body.js";
import { withDeadline } from "./deadline.js";
import type { Env } from "./env.js";
import { ConnectionError } from "./errors.js";
import type { FetchInit, FetchResponse } from "./fetch.js";
import type { Json } from "./json.js";
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
export async function readDocument(env: Env, request: DocumentRequest): Promise<Json> {
  const { attempt, timeoutMs, signal } = request;
  const { status, text } = await withDeadline(
    { env, attempt, timeoutMs, hasEffect: false, signals: [signal] },
    (limit) => getPage(env, request, limit.signal),
  );
  const wrong = (found: string): ConnectionError =>
    new ConnectionError(`Cannot ${attempt}: the answer ${found}`, { status });
  if (status !== 200) throw wrong(isRedirect(status) ? "was a redirect" : `was ${status}`);
  const document = parse(text);
  if (document === undefined) throw wrong("was 200 with a body that is not JSON");
  if (!isStorable(document)) throw wrong("nests too deep, or holds a number that is too large");
  return document;
}

interface Page {
  readonly status: number;
  readonly text: string;
  readonly location: string | null;
}

// Redirects are followed here and not by `fetch`, so that the next host is looked at before it is asked.
async function getPage(env: Env, request: DocumentRequest, signal: AbortSignal): Promise<Page> {
  const { attempt, maxRedirects, whyNot } = request;
  const refused = (found: string): ConnectionError =>
    new ConnectionError(`Cannot ${attempt}: it was redirected ${found}`, { status: 302 });
  const check = (url: URL): void => {
    const reason = whyNot(url);
    if (reason !== undefined) throw refused(`to "${url.protocol}//${url.host}", which is ${reason}`);
  };
  const get = async (url: string, redirect: FetchInit["redirect"]): Promise<Page> => {
    const { response, text } = await exchange(env, attempt, url, redirect, signal);
    if (response.url !== "") check(new URL(response.url));
    return { status: response.status, text, location: response.headers.get("location") };
  };

  let { url } = request;
  for (let redirects = 0; ; redirects++) {
    const page = await get(url, "manual");
    if (maxRedirects === 0 || !isRedirect(page.status)) return page;
    // A browser does not tell where a redirect leads, only where it has led to.
    if (page.status === 0) return get(url, "follow");
    if (page.location === null || !URL.canParse(page.location, url)) return page;
    if (redirects === maxRedirects) throw refused(`more than ${maxRedirects} times`);
    const next = new URL(page.location, url);
    check(next);
    url = next.href;
  }
}

async function exchange(
  env: Env,
  attempt: string,
  url: string,
  redirect: FetchInit["redirect"],
  signal: AbortSignal,
): Promise<{ response: FetchResponse; text: string }> {
  let status = redirect === "follow" ? 302 : undefined;
  try {
    signal.throwIfAborted();
    const response = await env.fetch(url, { method: "GET", headers: {}, redirect, signal, isAlone: true });
    ({ status } = response);
    return { response, text: await readText(response.body, maxBodyBytes, attempt) };
  } catch (error) {
    // Some implementations report an abort in words of their own: what counts is why it was aborted.
    if (signal.aborted) throw signal.reason;
    const isTooLarge = error instanceof BodyTooLargeError;
    const reason = error instanceof Error ? error.message : String(error);
    const found = isTooLarge ? `the answer is larger than ${maxBodyBytes} bytes` : reason;
    throw new ConnectionError(`Cannot ${attempt}: ${found}`, { cause: error, status });
  }
}

/** Browsers say 0 for a redirect that they were told not to follow. */
function isRedirect(status: number): boolean {
  return status === 0 || [301, 302, 303, 307, 308].includes(status);
}

function parse(text: string): Json | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it comes out of JSON
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
