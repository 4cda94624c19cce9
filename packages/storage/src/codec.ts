/*
 * How a value is written down: as its JSON, with two additions.
 *
 * 1. Bytes are `{"$bytes":"<base64>"}`.
 * 2. So an object of the user's that has one key, and that key is `$bytes`, gets one more `$`: `{"$$bytes":…}`, and
 *    so on.
 *
 * A value without either is its plain JSON, and is read by `JSON.parse` alone.
 */
import { fromBase64, toBase64 } from "./base64.js";
import { isSealed } from "./full-key.js";
import type { StorageValue } from "./storage.js";

/** How deep arrays and objects may be nested: more is a mistake, and below it no recursion is in danger. */
const maxDepth = 100;

/** How long a value may be when it is written down: every backend takes that much, and none of them blocks for long. */
const maxLength = 16 * 1024 * 1024;

/**
 * Writes a value down that is to be stored in the namespace at `prefix`. Throws a `TypeError` that names the place of
 * whatever is neither JSON nor bytes, and a `RangeError` when it is too long.
 */
export function encode(value: unknown, prefix = ""): string {
  const text = encodeStored(value);
  if (text.length > maxLength && !isSealed(prefix)) {
    throw new RangeError(
      `Cannot store the value: as JSON it has ${text.length} characters, and at most ${maxLength} are kept under one key; ` +
        "spread it over several",
    );
  }
  return text;
}

/** The same, however long it is: for what is stored already. */
export function encodeStored(value: unknown): string {
  const findings: Findings = { tags: false };
  const fault = check(value, 0, findings);
  if (fault !== undefined) {
    throw new TypeError(`Cannot store value${fault.path}: it is ${fault.problem}; a storage keeps JSON and Uint8Array`);
  }
  return JSON.stringify(findings.tags ? tag(value) : value);
}

/** Reads what `encode` has written. Throws when it is something else. */
export function decode(text: string): StorageValue {
  const value: StorageValue = JSON.parse(text, mayHoldBytes(text) ? untag : undefined);
  return value;
}

/** Tells whether there may be bytes in what `encode` has written, or something that looks like them. */
export function mayHoldBytes(text: string): boolean {
  return text.includes('$bytes":');
}

/** What `check` comes across on its way through a value that can be stored. */
interface Findings {
  /** Whether there are bytes, or an object that looks like them when written down. */
  tags: boolean;
}

/** What cannot be stored, and where it is, as JavaScript would spell it: `.sessions[3].expires`. */
interface Fault {
  readonly path: string;
  readonly problem: string;
}

/** Returns why `value` cannot be stored, or `undefined` when it can. */
function check(value: unknown, depth: number, findings: Findings): Fault | undefined {
  if (typeof value === "string" || typeof value === "boolean" || value === null || Number.isFinite(value))
    return undefined;
  if (typeof value !== "object") return { path: "", problem: nameOf(value) };
  if (isBytes(value)) {
    findings.tags = true;
    return undefined;
  }
  if (depth === maxDepth) return { path: "", problem: `nested more than ${maxDepth} levels deep, or contains itself` };
  // JSON would call it, and keep what it returns.
  if ("toJSON" in value && typeof value.toJSON === "function" && isOfNoClass(value)) {
    return { path: ".toJSON", problem: nameOf(value.toJSON) };
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const fault = check(value[index], depth + 1, findings);
      if (fault !== undefined) return { path: `[${index}]${fault.path}`, problem: fault.problem };
    }
    // One of the keys is `length`.
    const hasOwnKeys = Reflect.ownKeys(value).length > value.length + 1;
    return hasOwnKeys ? { path: "", problem: "an array with keys of its own" } : undefined;
  }
  if (!isPlain(value)) return { path: "", problem: nameOf(value) };
  const keys = Object.keys(value);
  if (isTag(keys)) findings.tags = true;
  for (const key of keys) {
    const fault = check(value[key], depth + 1, findings);
    if (fault !== undefined) return { path: `${property(key)}${fault.path}`, problem: fault.problem };
  }
  return undefined;
}

/** Bytes of this realm or another. */
function isBytes(value: object): value is Uint8Array {
  return ArrayBuffer.isView(value) && Reflect.get(value, Symbol.toStringTag) === "Uint8Array";
}

/** Tells whether `value` is an array or a plain object: of anything else, its class says more than its methods. */
function isOfNoClass(value: object): boolean {
  return Array.isArray(value) || isPlain(value);
}

/**
 * Tells whether JSON keeps all of `value`: an object of no class, of this realm or another, without symbols for keys.
 */
function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  const hasNoClass = prototype === null || Object.getPrototypeOf(prototype) === null;
  return hasNoClass && Object.getOwnPropertySymbols(value).length === 0;
}

/** Tells whether an object with `keys` stands for bytes, or would be taken for one that does. */
function isTag(keys: readonly string[]): boolean {
  const [key] = keys;
  return key !== undefined && keys.length === 1 && /^\$+bytes$/.test(key);
}

function property(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function nameOf(value: unknown): string {
  if (value === undefined || typeof value === "number") return String(value);
  if (typeof value !== "object" || value === null) return `a ${typeof value}`;
  const { constructor } = value;
  if (constructor === Object) return "an object with a symbol for a key";
  return typeof constructor === "function" ? `an instance of ${constructor.name}` : "an object of a class";
}

/** A copy of `value`, which has been checked, in which JSON has a form for everything. */
function tag(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isBytes(value)) return { $bytes: toBase64(value) };
  if (Array.isArray(value)) return value.map(tag);
  const escape = isTag(Object.keys(value)) ? "$" : "";
  // fromEntries makes own properties, `__proto__` included; an assignment would set the prototype.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [escape + key, tag(item)]));
}

/** Undoes `tag`, as the reviver of `JSON.parse`: what is inside `value` is done already. */
function untag(_key: string, value: StorageValue): StorageValue {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) return value;
  if (!isTag(Object.keys(value))) return value;
  if ("$bytes" in value) {
    if (typeof value["$bytes"] !== "string") throw new TypeError("Cannot read bytes: they are not base64");
    return fromBase64(value["$bytes"]);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.slice(1), item]));
}
