import { quote, quoteUrl } from "./quote.js";

/** A path of the client-server API below its base URL, and the template that it was made of: what `endpoint` makes. */
export class Endpoint {
  /** With its values escaped: `v3/rooms/!r%3Aexample.org/leave`. */
  readonly path: string;
  /** With `{}` for each value: `v3/rooms/{}/leave`. There are few of them, so that telemetry can count by it. */
  readonly template: string;

  constructor(path: string, template: string) {
    this.path = path;
    this.template = template;
  }

  toString(): string {
    return this.path;
  }
}

/**
 * Makes an endpoint of a template: `` endpoint`v3/rooms/${roomId}/state/${type}` ``. The values are escaped, so that each stays
 * one part of the path whatever is in it. A value that a URL cannot hold as one part (an empty one, `.`, `..`, half of a surrogate
 * pair) is a `TypeError`: URLs resolve dots even when they are escaped, so such a request would go somewhere else.
 */
export function endpoint(strings: TemplateStringsArray, ...values: readonly string[]): Endpoint {
  const path = strings.reduce((start, string, index) => start + escapePart(values[index - 1]) + string);
  return new Endpoint(path, strings.join("{}"));
}

function escapePart(value: unknown): string {
  const isPart = typeof value === "string" && !["", ".", ".."].includes(value) && !/\p{Surrogate}/u.test(value);
  if (isPart) return encodeURIComponent(value);
  throw new TypeError(
    `Cannot make an endpoint: ${quote(value)} cannot be part of its path; pass whole characters, and not none, "." or ".."`,
  );
}

/** The template of an endpoint; a plain string is its own. */
export function templateOf(path: string | Endpoint): string {
  return typeof path === "string" ? path : path.template;
}

/** What a query can hold; `undefined` leaves the parameter out, and a list repeats it. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/**
 * The URL of an endpoint of the client-server API, whose base URL has been checked. Throws a `TypeError` for one that would lead
 * anywhere else, and for a query with an access token, because URLs are logged.
 */
export function urlOf(baseClientUrl: string, path: string | Endpoint, query?: Query): string {
  const url = baseClientUrl + checkPath(typeof path === "object" ? path?.path : path);
  return query ? url + searchOf(query) : url;
}

/**
 * Parts that a URL leaves as they are, none of them empty, `.` or `..`: it resolves dots even when they are escaped. Parsing the
 * URL to see whether it stays the same takes fifteen times as long.
 */
const safePath = /^(?:(?!(?:\.|%2e){1,2}(?:\/|$))[\w\-.~!$&'()*+,;=:@%]+(?:\/|$))+$/i;

function checkPath(path: unknown): string {
  if (typeof path === "string" && safePath.test(path)) return path;
  throw new TypeError(`Cannot make a URL of the endpoint ${quote(path)}: ${whatIsWrongWith(path)}`);
}

function whatIsWrongWith(path: unknown): string {
  if (typeof path !== "string" || path === "") return 'it is not one like "v3/sync"';
  if (path.startsWith("/")) return 'leave out the "/" that it begins with';
  if (/[?#]/.test(path)) return "escape its parts with endpoint`…`, and pass a query as one";
  return "a part of it leads elsewhere, or is not escaped with endpoint`…`";
}

function searchOf(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const single of Array.isArray(value) ? value : [value]) parameters.append(name, checkParameter(name, single));
  }
  const search = parameters.toString();
  return search && `?${search}`;
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#using-access-tokens */
function checkParameter(name: string, value: unknown): string {
  const text = String(value);
  if (name === "access_token")
    throw wrongParameter(name, "a URL shows it to every log; leave it out, it goes in a header");
  if (/\p{Surrogate}/u.test(text))
    throw wrongParameter(name, "it holds half of a surrogate pair; pass whole characters");
  return text;
}

function wrongParameter(name: string, found: string): TypeError {
  return new TypeError(`Cannot make a URL with the parameter "${name}": ${found}`);
}

/** Such as `https://matrix.example.org`, of a base URL that has been checked. */
export function originOf(baseClientUrl: string): string {
  return baseClientUrl.slice(0, baseClientUrl.indexOf("/", "https://".length));
}

/**
 * Checks a base URL such as `https://matrix.example.org/_matrix/client/` and returns it in its normal form; throws a `TypeError` that
 * says what is wrong with it.
 */
export function checkBaseClientUrl(baseClientUrl: unknown): string {
  const wrong = (found: string, wayOut: string): TypeError =>
    new TypeError(`Cannot use the baseClientUrl ${quoteUrl(baseClientUrl)}: ${found}; ${wayOut}`);
  const discovered = 'pass what discover("example.org") resolves to';

  const url = parseBaseUrl(baseClientUrl);
  if (url === undefined) throw wrong("it is not an http URL of a host and a path", discovered);
  if (!url.pathname.endsWith("/_matrix/client/")) {
    const suggestion =
      url.origin + url.pathname.replace(/(\/_matrix(\/client(\/[rv]\d[\d.]*)?)?)?\/*$/, "/_matrix/client/");
    throw wrong('it does not end in "/_matrix/client/"', `it may be "${suggestion}"; or ${discovered}`);
  }
  return url.href;
}

/** The URL, when it is one of http or https with nothing but a host and a path: no user, no query, no fragment. */
export function parseBaseUrl(text: unknown): URL | undefined {
  if (typeof text !== "string" || /[?#\s@\\]/.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === "https:" || url.protocol === "http:" ? url : undefined;
}
