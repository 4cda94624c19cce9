/*
 * An export is text in UTF-8, one JSON object on each line, in this order:
 *
 * 1. The header: `{"format":"storage-export","version":1}`.
 * 2. Every entry: `{"namespace":["alice","rooms"],"key":"!a:example.org","value":{"name":"A"}}`. `namespace` has the
 *    names from the exported storage inwards. Bytes are `{"$bytes":"<base64>"}` in a value; an object with one key that
 *    is `$bytes`, `$$bytes` and so on has one more `$` than it had in the storage.
 * 3. The footer: `{"entries":1}`, the number of the lines between. Without it, the end is missing.
 *
 * Nothing in a line is a line break for any reader: not even those that only JavaScript or Python take for one.
 */
import { encodeStored } from "./codec.js";
import type { StorageValue } from "./storage.js";

export const format = "storage-export";
export const version = 1;

export const header: string = `${JSON.stringify({ format, version })}\n`;

export function entryLine(namespace: readonly string[], key: string, value: StorageValue): string {
  // The value by itself: it may be nested as deep as is allowed, and is one level deeper here.
  const line = `{"namespace":${JSON.stringify(namespace)},"key":${JSON.stringify(key)},"value":${encodeStored(value)}}\n`;
  return line.replace(
    /[\u0085\u2028\u2029]/g,
    (breaking) => `\\u${breaking.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function footer(entries: number): string {
  return `${JSON.stringify({ entries })}\n`;
}
