/** What a text is for: an ID is to be sent back, and a name means something to a program. */
type Kind = "text" | "id" | "name";

/**
 * Makes a text of somebody else one without secrets. One that holds any is left out as a whole: what is missing from a well-known
 * sentence can be read off it. IDs and names lose only the secret. What kind of text it is can be seen, but for IDs and short names.
 */
export type Redact = (text: string, kind?: Kind) => string;

/** What means something to a program, and is no secret: error codes, and names such as those of authentication stages. */
const aName = /^(M_[A-Z_]+|[a-z]+(\.\w+)+)$/;

/**
 * Hides the secrets that a request tells the homeserver: it may repeat them in its answer, and errors carry that answer on. A weak
 * password may be in an ID or a name by chance: there, only what is not is hidden.
 */
export function redactorFor({ headers, body }: { headers: Record<string, string>; body?: string }): Redact {
  const secrets = new Set<string>();
  const token = headers["authorization"]?.slice("Bearer ".length);
  if (token) secrets.add(token);
  if (body) {
    JSON.parse(body, (key, value: unknown) => {
      if (typeof value === "string" && value !== "" && /password|token|secret/i.test(key)) secrets.add(value);
    });
  }
  return redactorOf(secrets);
}

/** Hides some secrets. */
export function redactorOf(secrets: Iterable<string>): Redact {
  // The longest first: another one may be its beginning.
  const all = [...secrets].toSorted((one, other) => other.length - one.length);
  const long = all.filter(({ length }) => length >= 8);
  const hidden = {
    text: all,
    id: long,
    name: long.filter((secret) => !/^([a-z_]{1,24}|[A-Z_]{1,24})$/.test(secret)),
  };
  const finders: { [kind in Kind]?: RegExp } = {};
  return (text, kind = aName.test(text) ? "name" : "text") => {
    const finder = (finders[kind] ??= finderOf(hidden[kind]));
    if (kind !== "text") return text.replace(finder, "<secret>");
    return text.search(finder) < 0 ? text : "<left out: it repeats a secret>";
  };
}

function finderOf(secrets: readonly string[]): RegExp {
  return new RegExp(secrets.map(patternOf).join("|") || "(?!)", "gu");
}

/** So much of a secret finds it: a pattern of all of a very long one would be larger than engines take. */
const longestPattern = 128;

/** Finds a secret also where JSON, a program or a URL has escaped it, once or more often: with any backslashes, or none, in it. */
function patternOf(secret: string): string {
  const characters = Array.from(secret.replaceAll("\\", "") || secret);
  const pattern = characters
    .slice(0, longestPattern)
    .map((character) => `(?:${formsOf(character).map(literally).join("|")})`)
    .join(String.raw`(?:\\|%5C)*`);
  return characters.length > longestPattern ? `${pattern}[^]*` : pattern;
}

function formsOf(character: string): string[] {
  const isHalf = /\p{Surrogate}/u.test(character);
  const escaped = JSON.stringify(character).slice(1, -1).replace("\\", "");
  return [...new Set([character, escaped || character, isHalf ? character : encodeURIComponent(character)])];
}

function literally(text: string): string {
  return text.replace(/\W/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
