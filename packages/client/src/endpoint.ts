/**
 * Makes an endpoint of a template: `` endpoint`v3/rooms/${roomId}/state/${type}` ``. The values are escaped, so that each stays
 * one part of the path whatever is in it. A value that a URL cannot hold as one part (an empty one, `.`, `..`, half of a surrogate
 * pair) is a `TypeError`: URLs resolve dots even when they are escaped, so such a request would go somewhere else.
 */
export function endpoint(strings: TemplateStringsArray, ...values: readonly string[]): string {
  return strings.reduce((path, string, index) => path + escapePart(values[index - 1]) + string);
}

function escapePart(value: unknown): string {
  const isPart = typeof value === "string" && !["", ".", ".."].includes(value) && !/\p{Surrogate}/u.test(value);
  if (isPart) return encodeURIComponent(value);
  throw new TypeError(`Cannot make an endpoint: ${JSON.stringify(value) ?? typeof value} cannot be part of its path`);
}

/** What a query can hold; `undefined` leaves the parameter out, and a list repeats it. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** The URL of an endpoint of the client-server API. Throws a `TypeError` for one that would lead anywhere else. */
export function urlOf(baseClientUrl: string, path: string, query: Query = {}): string {
  const url = new URL(baseClientUrl + checkEndpoint(path, baseClientUrl));
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const single of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(single));
  }
  return url.href;
}

function checkEndpoint(path: unknown, baseClientUrl: string): string {
  const name = JSON.stringify(path) ?? typeof path;
  const wrong = (found: string): TypeError => new TypeError(`Cannot make a URL of the endpoint ${name}: ${found}`);
  if (typeof path !== "string" || path === "") throw wrong('it is not one like "v3/sync"');
  if (path.startsWith("/")) throw wrong('leave out the "/" that it begins with');
  if (/[?#]/.test(path)) throw wrong("escape its parts with endpoint`…`, and pass a query as one");
  // A URL takes out dots, line breaks and more, and escapes what is not: an endpoint that it leaves alone is where it seems to be.
  const isLeftAlone = URL.canParse(baseClientUrl + path) && new URL(baseClientUrl + path).href === baseClientUrl + path;
  if (!isLeftAlone || path.includes("//"))
    throw wrong("a part of it leads elsewhere, or is not escaped with endpoint`…`");
  return path;
}

/**
 * Checks a base URL such as `https://matrix.example.org/_matrix/client/` and returns it in its normal form; throws a `TypeError` that
 * says what is wrong with it.
 */
export function checkBaseClientUrl(baseClientUrl: unknown): string {
  const given = JSON.stringify(baseClientUrl) ?? typeof baseClientUrl;
  const wrong = (found: string, wayOut: string): TypeError =>
    new TypeError(`Cannot use the baseClientUrl ${given}: ${found}; ${wayOut}`);
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
