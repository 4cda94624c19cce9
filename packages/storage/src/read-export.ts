import { decode } from "./codec.js";
import { format, version } from "./export-format.js";
import { fullKey, namespacePrefix } from "./full-key.js";
import { problemOf } from "./problem.js";
import { StorageError } from "./storage-error.js";
import type { StorageValue } from "./storage.js";

/** A line of an export that is neither the first nor the last. */
export interface ExportedEntry {
  readonly namespace: readonly string[];
  readonly key: string;
  readonly value: StorageValue;
  /** Which line it is, the first being 1. */
  readonly line: number;
  /** How long the line is. */
  readonly characters: number;
}

/**
 * The entries of an export, whose texts may be cut anywhere. Throws a `StorageError` that names the line as soon as one
 * is not what it should be, and at the end when entries are missing.
 */
export async function* readExport(
  texts: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<ExportedEntry, void> {
  let entries = 0;
  let line = 0;
  let isEnded = false;
  for await (const text of linesOf(texts)) {
    line++;
    // An editor may have added an empty line at the end.
    if (text.trim() === "") continue;
    const found = parse(text, line);
    if (line === 1) {
      requireHeader(found);
    } else if (isEnded) {
      throw damaged(line, "it comes after the one that should be the last");
    } else if ("entries" in found) {
      if (found["entries"] !== entries) {
        throw damaged(line, `it does not say that there are ${entries} entries, as many as there are`);
      }
      isEnded = true;
    } else {
      yield { ...entryOf(found, line), line, characters: text.length };
      entries++;
    }
  }
  if (isEnded) return;
  throw new StorageError(
    `Cannot import the storage: it ends after line ${line}, and the last line of an export is missing; export it again`,
    { code: "damaged" },
  );
}

export function damaged(line: number, problem: string, cause?: unknown): StorageError {
  return new StorageError(`Cannot import line ${line}: ${problem}; export the storage again`, {
    code: "damaged",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** More than a value can come to, each of whose characters is an escape of six, and its names; also when it is sealed. */
const maxLineLength = 97 * 1024 * 1024;

async function* linesOf(texts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string, void> {
  let rest = "";
  let number = 1;
  for await (const text of texts) {
    if (typeof text !== "string") throw new TypeError('Cannot import bytes: read the file as text, with "utf8"');
    // Only what has just come is searched: a line may be as long as a thousand texts.
    const [end = "", ...lines] = text.split("\n");
    if (rest.length + end.length > maxLineLength) throw damaged(number, "it is longer than any that is exported");
    rest += end;
    for (const line of lines) {
      yield rest;
      number++;
      rest = line;
    }
  }
  if (rest !== "") yield rest;
}

function parse(text: string, line: number): { readonly [key: string]: StorageValue } {
  let found: StorageValue;
  try {
    found = decode(text);
  } catch (cause) {
    // Without the text of `cause`, which quotes the line.
    throw damaged(line, "it is not JSON", cause);
  }
  if (isObject(found)) return found;
  throw damaged(line, "it is not a JSON object");
}

function isObject(value: StorageValue): value is { readonly [key: string]: StorageValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function requireHeader(found: { readonly [key: string]: StorageValue }): void {
  if (found["format"] !== format || typeof found["version"] !== "number") {
    throw damaged(1, `it is not the first line of an export, {"format":"${format}","version":${version}}`);
  }
  if (found["version"] === version) return;
  throw new StorageError(
    `Cannot import the storage: its format is version ${found["version"]}, and this program knows ${version}; ` +
      "update @mx/storage",
    { code: "newer-format" },
  );
}

function entryOf(
  found: { readonly [key: string]: StorageValue },
  line: number,
): Pick<ExportedEntry, "namespace" | "key" | "value"> {
  const { namespace, key, value, ...others } = found;
  if (!isListOfTexts(namespace) || typeof key !== "string" || value === undefined || Object.keys(others).length > 0) {
    throw damaged(line, 'it does not consist of a "namespace", a list of texts, a "key", a text, and a "value"');
  }
  try {
    fullKey(namespace.reduce(namespacePrefix, ""), key);
  } catch (cause) {
    throw damaged(line, problemOf(cause), cause);
  }
  return { namespace, key, value };
}

function isListOfTexts(value: StorageValue | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
