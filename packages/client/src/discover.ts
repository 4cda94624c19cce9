import { readDocument } from "./document.js";
import { parseBaseUrl } from "./endpoint.js";
import { type Env, type OpenEnv, openEnv } from "./env.js";
import { ConnectionError, DiscoveryError } from "./errors.js";
import { hasBaseUrl, type Homeserver, isVersions, isWellKnown, type Versions, type WellKnown } from "./homeserver.js";
import type { Json } from "./json.js";
import { isExposed, isPrivateHost } from "./private-host.js";
import { quote, quoteUrl } from "./quote.js";
import { wait } from "./wait.js";

export interface DiscoverOptions {
  readonly signal?: AbortSignal | undefined;
  /** The time for each of the two documents, with three attempts at most; 10 s by default. */
  readonly timeoutMs?: number | undefined;
  /**
   * Lets the homeserver be asked over `http:`, without encryption; by default only on this machine (`localhost`, `127.0.0.1`). It is
   * among what `discover` resolves with where it is needed, so that `new Client` has it too.
   */
  readonly allowHttp?: boolean;
  /** Lets a public server name lead into a private network; by default only a name or URL that is in one itself. */
  readonly allowPrivate?: boolean;
  /** Replaces the parts of the outside world that it names. */
  readonly env?: Partial<Env>;
}

/**
 * Finds the homeserver of a server name (`example.org`), of a user ID (`@alice:example.org`), or at a URL
 * (`https://matrix.example.org`, `http://localhost:8008`), and asks it for its versions. The answer is what `new Client` takes.
 *
 * A name is looked up over https at its host, without its port. A URL that has no well-known document is the homeserver itself; one
 * with a path is not looked up at all. Rejects with a `DiscoveryError`, whose `outcome` says what to do next, or with the signal's
 * reason.
 *
 * Who runs the server name decides where this asks. So no token is sent; a document has at most 64 KiB, and at most five
 * redirects, never from https to http; and neither it nor a redirect leads to this machine or into a private network. This goes by how a
 * host is written: a public name whose address is a private one is not noticed. Browsers hide redirects and follow as many as they like:
 * there, only where the last one has led to is looked at. An identity server is not asked: nothing here talks to one.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-discovery
 */
export async function discover(server: string, options: DiscoverOptions = {}): Promise<Homeserver> {
  const given = parseServer(server);
  if (!options.allowHttp && isExposed(given.url)) {
    throw failure(server, "FAIL_PROMPT", "it is not encrypted", undefined, "use https, or pass { allowHttp: true }");
  }
  const { env, close } = openEnv(options.env);
  const get = getter(env, given, options);
  try {
    const wellKnown = await findWellKnown(get, server, given);
    const baseUrl = wellKnown ? baseUrlOf(wellKnown, server, given, options) : given.url;
    const baseClientUrl = `${baseUrl.href.replace(/(?<!\/)\/+$/, "")}/_matrix/client/`;
    const versions = await askVersions(get, server, baseClientUrl, wellKnown ? "FAIL_ERROR" : "FAIL_PROMPT");
    return {
      baseClientUrl,
      ...(wellKnown && { wellKnown }),
      versions,
      versionsAskedAt: env.now(),
      ...(isExposed(baseUrl) && { allowHttp: true }),
    };
  } finally {
    close();
  }
}

/** What the caller means by a server: a name to look up, or the URL of a homeserver. */
interface Given {
  readonly url: URL;
  readonly isName: boolean;
}

function parseServer(server: unknown): Given {
  const text = typeof server === "string" ? server : "";
  const isName = !text.includes("://");
  // A host name, an IPv4 address, or an IPv6 address in brackets; perhaps a port, which does not count here.
  const [, host] = /^(?:@[^:]*:)?([a-z\d.-]+|\[[a-f\d:.]+\])(?::\d{1,5})?$/i.exec(text) ?? [];
  const url = parseBaseUrl(isName ? host && `https://${host}` : text.replace(/\/_matrix\/client\/*$/, "/"));
  if (url) return { url, isName };
  throw failure(server, "FAIL_PROMPT", 'it is no server name like "example.org", user ID, or URL of a homeserver');
}

async function findWellKnown(get: Get, server: string, { url, isName }: Given): Promise<WellKnown | undefined> {
  if (!isName && url.pathname !== "/") return undefined;
  const found = await get(`${url.origin}/.well-known/matrix/client`, "read the well-known document", 5);
  if (found instanceof ConnectionError) {
    const isMissing = found.status === 404;
    if (isMissing && !isName) return undefined;
    if (isMissing) throw failure(server, "IGNORE", "it has no well-known document", found);
    const isThere = isName || found.status !== undefined;
    const what = isThere ? "its well-known document cannot be used" : "nobody answers there";
    throw failure(server, "FAIL_PROMPT", what, found);
  }
  const lacks = (part: string): DiscoveryError =>
    failure(server, "FAIL_PROMPT", `its well-known document has no ${part}.base_url`);
  if (!isWellKnown(found)) throw lacks("m.homeserver");
  const identityServer = found["m.identity_server"];
  if (identityServer !== undefined && !hasBaseUrl(identityServer)) throw lacks("m.identity_server");
  return found;
}

function baseUrlOf(wellKnown: WellKnown, server: string, given: Given, options: DiscoverOptions): URL {
  const { base_url } = wellKnown["m.homeserver"];
  const url = parseBaseUrl(base_url);
  const downgraded = isDowngrade(given.url, url) && !options.allowHttp;
  const reason = !url ? "no base URL" : downgraded ? "not encrypted" : whyNot(url, given, options);
  if (url && reason === undefined) return url;
  throw failure(server, "FAIL_ERROR", `its well-known document names ${quote(base_url)}, which is ${reason}`);
}

/** What is wrong with a URL that somebody else has led to, and what would allow it. */
function whyNot(url: URL, given: Given, { allowHttp, allowPrivate }: DiscoverOptions): string | undefined {
  if (!["https:", "http:"].includes(url.protocol)) return "no http URL";
  if (url.username !== "" || url.password !== "") return "a URL with a user in it";
  if (isExposed(url) && !allowHttp) return "not encrypted, and allowHttp is not true";
  const isOpen = allowPrivate === true || isPrivateHost(given.url.hostname) || !isPrivateHost(url.hostname);
  return isOpen ? undefined : "on this machine or in a private network, and allowPrivate is not true";
}

function isDowngrade(from: URL, to: URL | undefined): boolean {
  return from.protocol === "https:" && to?.protocol === "http:";
}

async function askVersions(
  get: Get,
  server: string,
  baseClientUrl: string,
  outcome: DiscoveryError["outcome"],
): Promise<Versions> {
  // Where that redirects to would be another base URL than the one that is returned.
  const found = await get(`${baseClientUrl}versions`, "read the versions", 0);
  if (found instanceof ConnectionError) {
    throw failure(server, outcome, `there is no homeserver at "${baseClientUrl}"`, found);
  }
  if (isVersions(found)) return found;
  throw failure(server, outcome, `"${baseClientUrl}versions" has no list of versions`);
}

const maxAttempts = 3;
const pauseBeforeRetryMs = 500;

/** Resolves with the JSON of a document, or with why there is none. */
type Get = (url: string, attempt: string, maxRedirects: number) => Promise<Json | ConnectionError>;

function getter(env: OpenEnv, given: Given, options: DiscoverOptions): Get {
  const { signal, timeoutMs = 10_000 } = options;
  return async (url, attempt, maxRedirects) => {
    const first = new URL(url);
    // Nothing is gained by a redirect from https to http, so that nothing allows it.
    const refusal = (next: URL): string | undefined =>
      isDowngrade(first, next) ? "not encrypted" : whyNot(next, given, options);
    const request = { url, attempt, signal, maxRedirects, whyNot: refusal };
    const startedAt = env.monotonicMs();
    for (let attempts = 1; ; attempts++) {
      const leftMs = startedAt + timeoutMs - env.monotonicMs();
      try {
        return await readDocument(env, { ...request, timeoutMs: leftMs });
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        const pauseMs = (attempts - 1) * pauseBeforeRetryMs;
        const isLate = env.monotonicMs() + pauseMs >= startedAt + timeoutMs;
        if (!canPass(error) || attempts === maxAttempts || isLate) return error;
        await wait(env, pauseMs, signal);
      }
    }
  };
}

/** Whether the next attempt may fare better: nobody has answered, or somebody who was not well. */
function canPass({ status = 500 }: ConnectionError): boolean {
  return status === 429 || status >= 500;
}

function failure(
  server: unknown,
  outcome: DiscoveryError["outcome"],
  found: string,
  cause?: ConnectionError,
  wayOut: string = wayOutOf(server, outcome),
): DiscoveryError {
  const why = cause ? ` (${cause.message.replace(/^Cannot [^:]*: /, "")})` : "";
  const again = cause && canPass(cause) ? "try again, or " : "";
  const message = `Cannot discover the homeserver of ${quoteUrl(server)}: ${found}${why}; ${again}${wayOut}`;
  return new DiscoveryError(message, outcome, cause && { cause });
}

function wayOutOf(server: unknown, outcome: DiscoveryError["outcome"]): string {
  if (outcome === "FAIL_ERROR") return "tell who runs that server";
  if (String(server).includes("://")) return "check it";
  const url = 'discover the URL of its homeserver instead, such as "http://localhost:8008"';
  return outcome === "IGNORE" ? url : `check it, or ${url}`;
}
