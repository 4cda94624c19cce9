import { withDeadline } from "./deadline.js";
import { parseBaseUrl } from "./endpoint.js";
import { type Env, openEnv } from "./env.js";
import { ConnectionError, DiscoveryError, MatrixError } from "./errors.js";
import { exchangeOver } from "./exchange.js";
import { type Homeserver, isVersions, isWellKnown, type Versions, type WellKnown } from "./homeserver.js";
import type { Json } from "./json.js";

export interface DiscoverOptions {
  readonly signal?: AbortSignal;
  /** The time for each of the two requests; 10 s by default. */
  readonly timeoutMs?: number;
  /** Replaces the parts of the outside world that it names. */
  readonly env?: Partial<Env>;
}

/**
 * Finds the homeserver of a server name (`example.org`), of a user ID (`@alice:example.org`), or at a URL
 * (`https://matrix.example.org`, `http://localhost:8008`), and asks it for its versions. The answer is what `new Client` takes.
 *
 * A name is looked up over https at its host, without its port, and its document cannot lead to plain http. A URL that has no
 * well-known document is the homeserver itself; one with a path is not looked up at all. Rejects with a `DiscoveryError`, whose
 * `outcome` says what to do next, or with the signal's reason.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-discovery
 */
export async function discover(server: string, options: DiscoverOptions = {}): Promise<Homeserver> {
  const given = parseServer(server);
  const { env, close } = openEnv(options.env);
  const get = getter(env, options);
  try {
    const wellKnown = await findWellKnown(get, server, given);
    const baseUrl = wellKnown ? baseUrlOf(wellKnown, server, given) : given.url;
    const baseClientUrl = `${baseUrl.href.replace(/\/+$/, "")}/_matrix/client/`;
    const versions = await askVersions(get, server, baseClientUrl, wellKnown ? "FAIL_ERROR" : "FAIL_PROMPT");
    return { baseClientUrl, ...(wellKnown && { wellKnown }), versions };
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
  if (typeof server !== "string") throw failure(server, "FAIL_PROMPT", "it is not a string");
  if (server.includes("://")) {
    const url = parseBaseUrl(server.replace(/\/_matrix\/client\/*$/, "/"));
    if (!url) throw failure(server, "FAIL_PROMPT", "it is not the URL of a homeserver");
    return { url, isName: false };
  }
  const name = server.startsWith("@") ? server.slice(server.indexOf(":") + 1) : server;
  // A host name, an IPv4 address, or an IPv6 address in brackets; perhaps a port, which does not count here.
  const [, host] = /^([a-z\d.-]+|\[[a-f\d:.]+\])(?::\d{1,5})?$/i.exec(name) ?? [];
  const url = host === undefined ? undefined : parseBaseUrl(`https://${host}`);
  if (!url) throw failure(server, "FAIL_PROMPT", 'it is no server name like "example.org", user ID or URL');
  return { url, isName: true };
}

async function findWellKnown(get: Get, server: string, { url, isName }: Given): Promise<WellKnown | undefined> {
  if (!isName && url.pathname !== "/") return undefined;
  const found = await get(`${url.origin}/.well-known/matrix/client`, "read the well-known document", "follow");
  if (found instanceof Error) {
    const isMissing = found.status === 404;
    if (isMissing && !isName) return undefined;
    if (isMissing) throw failure(server, "IGNORE", "it has no well-known document", found);
    const isThere = found.status !== undefined;
    if (!isThere && !isName) throw failure(server, "FAIL_PROMPT", "nobody answers there", found);
    throw failure(server, "FAIL_PROMPT", "its well-known document cannot be used", found);
  }
  if (isWellKnown(found)) return found;
  throw failure(server, "FAIL_PROMPT", "its well-known document has no m.homeserver.base_url");
}

function baseUrlOf(wellKnown: WellKnown, server: string, given: Given): URL {
  const { base_url } = wellKnown["m.homeserver"];
  const url = parseBaseUrl(base_url);
  const found = `its well-known document names ${JSON.stringify(base_url)}, which is `;
  if (!url) throw failure(server, "FAIL_ERROR", `${found}no base URL`);
  if (url.protocol === "http:" && given.url.protocol === "https:") {
    throw failure(server, "FAIL_ERROR", `${found}not encrypted`);
  }
  return url;
}

async function askVersions(
  get: Get,
  server: string,
  baseClientUrl: string,
  outcome: DiscoveryError["outcome"],
): Promise<Versions> {
  // Where that redirects to would be another base URL than the one that is returned.
  const found = await get(`${baseClientUrl}versions`, "read the versions", "manual");
  if (found instanceof Error) {
    throw failure(server, outcome, `there is no homeserver at "${baseClientUrl}"`, found);
  }
  if (isVersions(found)) return found;
  throw failure(server, outcome, `"${baseClientUrl}versions" has no list of versions`);
}

/** Resolves with the JSON of a document, or with why there is none. */
type Get = (
  url: string,
  attempt: string,
  redirect: "follow" | "manual",
) => Promise<Json | ConnectionError | MatrixError>;

function getter(env: Env, { signal, timeoutMs = 10_000 }: DiscoverOptions): Get {
  const exchange = exchangeOver(env);
  const plain = { method: "GET", headers: {}, maxBodyBytes: 64 * 1024 } as const;
  return async (url, attempt, redirect) => {
    try {
      return await withDeadline({ env, attempt, timeoutMs, signals: [signal] }, (limit) =>
        exchange({ ...plain, redirect, url, attempt, timeoutMs, signal: limit }),
      );
    } catch (error) {
      if (error instanceof ConnectionError || error instanceof MatrixError) return error;
      throw error;
    }
  };
}

function failure(
  server: unknown,
  outcome: DiscoveryError["outcome"],
  found: string,
  cause?: ConnectionError | MatrixError,
): DiscoveryError {
  const given = JSON.stringify(server) ?? String(server);
  const why = cause ? ` (${cause.message.replace(/^Cannot [^:]*: /, "")})` : "";
  const message = `Cannot discover the homeserver of ${given}: ${found}${why}; ${wayOutOf(server, outcome)}`;
  return new DiscoveryError(message, outcome, cause && { cause });
}

function wayOutOf(server: unknown, outcome: DiscoveryError["outcome"]): string {
  if (outcome === "FAIL_ERROR") return "only who runs that server can mend it";
  if (String(server).includes("://")) return "check it";
  const url = 'discover the URL of its homeserver instead, such as "http://localhost:8008"';
  return outcome === "IGNORE" ? url : `check it, or ${url}`;
}
