/*
 * How namespaces lie in one flat space of keys:
 *
 * 1. Key `k` of the root is `=k`; in namespace `a` it is `a/=k`; in namespace `b` of `a` it is `a/b/=k`.
 * 2. A name is escaped so that it holds neither `/` nor `=`. So the first `=` of a full key is where the key begins,
 *    every `/` before it ends a name, and the key itself needs no escaping: a namespace keeps the order of its keys.
 * 3. What a storage keeps for itself is in namespaces of the root whose names an escaped one never has: `%lease/`.
 * 4. So all that is in namespace `a` and in those inside it, and nothing else, starts with `a/`.
 * 5. There is a limit to the length, but not where an encrypted storage lies: sealed names are longer than what was given.
 */

/** How long a full key may be: what every backend takes. */
const maxLength = 8192;

/** The namespace that an encrypted storage makes in the storage that it is in. */
export const encryptedName = "@mx/storage: encrypted";

/** The prefix of the namespace `name` inside the one whose prefix is `parent`; the root's prefix is empty. */
export function namespacePrefix(parent: string, name: string): string {
  requireText("namespace", name);
  const prefix = `${parent}${escapeName(name)}/`;
  return requireShort("namespace", prefix, prefix);
}

/** The key that the engine sees. */
export function fullKey(prefix: string, key: string): string {
  requireText("key", key);
  return requireShort("key", `${prefix}=${key}`, prefix);
}

/** Tells whether the namespace at `prefix` is part of an encrypted storage, as it is stored. */
export function isSealed(prefix: string): boolean {
  return `/${prefix}`.includes(`/${escapeName(encryptedName)}/`);
}

/** The prefixes of the namespace at `prefix` and of all that it is in, from the root. */
export function enclosingPrefixes(prefix: string): string[] {
  const ends = [...prefix.matchAll(/\//g)].map(({ index }) => index + 1);
  return [0, ...ends].map((end) => prefix.slice(0, end));
}

/** Tells whether the key `full` is in one of the namespaces at `prefixes`, or inside of one. */
export function isWithin(full: string, prefixes: ReadonlySet<string>): boolean {
  return enclosingPrefixes(splitKey(full)[0]).some((prefix) => prefixes.has(prefix));
}

/** The prefix and the key that `fullKey` made `full` of: no prefix has a `=` in it. */
export function splitKey(full: string): [prefix: string, key: string] {
  const end = full.indexOf("=");
  return [full.slice(0, end), full.slice(end + 1)];
}

/** What `fullKey` made `full` of. */
export function shortKey(prefix: string, full: string): string {
  return full.slice(prefix.length + 1);
}

/**
 * The namespace inside `prefix` that holds the key `full`, and a text that comes after everything in it and before
 * everything else: no key ends where a name does. There is no name for the keys of `prefix` itself, and for what a
 * storage keeps for itself.
 */
export function nameIn(prefix: string, full: string): [name: string | undefined, end: string] {
  const start = prefix.length;
  if (full[start] === "=") return [undefined, `${prefix}>`];
  const escaped = full.slice(start, full.indexOf("/", start));
  const isReserved = /^%(?!25|2F|3D)/.test(escaped);
  return [isReserved ? undefined : decodeURIComponent(escaped), `${prefix}${escaped}0`];
}

/**
 * Lone surrogates are refused because they have no UTF-8 form: most backends would turn different keys into the same
 * one.
 */
function requireText(kind: string, text: unknown): void {
  if (typeof text !== "string") throw new TypeError(`Cannot use ${String(text)} as a ${kind}: it is not a string`);
  if (/\p{Surrogate}/u.test(text)) {
    throw new TypeError(`Cannot use ${JSON.stringify(text)} as a ${kind}: it holds half of a surrogate pair`);
  }
}

function escapeName(name: string): string {
  return name.replace(/[%/=]/g, encodeURIComponent);
}

function requireShort(kind: string, full: string, prefix: string): string {
  if (full.length <= maxLength || isSealed(prefix)) return full;
  throw new RangeError(
    `Cannot use a ${kind} of ${full.length} characters, with the names of its namespaces ("${full.slice(0, 40)}…"): ` +
      `at most ${maxLength} are possible`,
  );
}
