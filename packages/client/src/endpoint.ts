/**
 * Makes an endpoint of a template: `` endpoint`v3/rooms/${roomId}/state/${type}` ``. The values are escaped, so that each stays
 * one part of the path whatever is in it. A value that a URL cannot hold as one part (an empty one, `.`, `..`, half of a surrogate
 * pair) is a `TypeError`: URLs resolve dots even when they are escaped, so such a request would go somewhere else.
 */
export function endpoint(strings: TemplateStringsArray, ...values: readonly string[]): string {
  return strings.reduce((path, string, index) => path + escapePart(values[index - 1]) + string);
}

function escapePart(value: unknown): string {
  if (typeof value !== "string" || value === "" || value === "." || value === "..") {
    throw new TypeError(`Cannot make an endpoint: ${JSON.stringify(value) ?? typeof value} cannot be part of its path`);
  }
  try {
    return encodeURIComponent(value);
  } catch (cause) {
    const message = `Cannot make an endpoint: ${JSON.stringify(value)} is not well-formed Unicode`;
    throw new TypeError(message, { cause });
  }
}

/** What a query can hold; `undefined` leaves the parameter out, and a list repeats it. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** The URL of an endpoint of the client-server API. Throws a `TypeError` for one that would lead anywhere else. */
export function urlOf(baseClientUrl: string, path: string, query: Query = {}): string {
  checkEndpoint(path);
  const url = new URL(baseClientUrl + path);
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const single of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(single));
  }
  return url.href;
}

function checkEndpoint(path: unknown): asserts path is string {
  if (typeof path !== "string" || path === "") {
    throw new TypeError(
      `Cannot make a URL: the endpoint is ${JSON.stringify(path) ?? typeof path}, not one like "v3/sync"`,
    );
  }
  const name = JSON.stringify(path);
  if (path.startsWith("/")) {
    throw new TypeError(`Cannot make a URL of the endpoint ${name}: leave out the "/" that it begins with`);
  }
  if (/[?#\\\s]/.test(path)) {
    throw new TypeError(
      `Cannot make a URL of the endpoint ${name}: escape its parts with endpoint\`…\`, and pass a query as one`,
    );
  }
  if (path.split("/").some((part) => /^(\.|%2e){1,2}$/i.test(part))) {
    throw new TypeError(
      `Cannot make a URL of the endpoint ${name}: a part of it is "." or "..", which leads elsewhere`,
    );
  }
}

/** Checks a base URL such as `https://matrix.example.org/_matrix/client/`; throws a `TypeError` that says what is wrong with it. */
export function checkBaseClientUrl(baseClientUrl: unknown): string {
  const wrong = (found: string, wayOut: string): TypeError =>
    new TypeError(
      `Cannot use the baseClientUrl ${JSON.stringify(baseClientUrl) ?? typeof baseClientUrl}: ${found}; ${wayOut}`,
    );
  const discovered = 'pass what discover("example.org") resolves to';

  if (typeof baseClientUrl !== "string") throw wrong("it is not a string", discovered);
  const url = parseHttpUrl(baseClientUrl);
  if (url === undefined) throw wrong("it is not an http or https URL", discovered);
  if (url.username || url.password || url.search || url.hash) {
    throw wrong("it has a user, a query or a fragment", "leave that out");
  }
  if (!url.pathname.endsWith("/_matrix/client/")) {
    const suggestion = url.origin + url.pathname.replace(/(\/_matrix(\/client)?)?\/*$/, "/_matrix/client/");
    throw wrong('it does not end in "/_matrix/client/"', `it may be "${suggestion}"; or ${discovered}`);
  }
  return baseClientUrl;
}

/** The URL, when it is one of http or https. */
export function parseHttpUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "https:" || url?.protocol === "http:" ? url : undefined;
}
