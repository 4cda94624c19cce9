import { createStorage } from "./create-storage.js";
import type { KeyvLike } from "./keyv/keyv-engine.js";
import { lazyKeyvEngine } from "./keyv/lazy-keyv-engine.js";
import { mapEngine } from "./map-engine.js";
import type { Storage } from "./storage.js";

/** What `toStorage` makes a storage of. */
export type StorageLike = Storage | Map<string, unknown> | KeyvLike;

/**
 * Makes a storage of what the application has. A storage is returned as it is. Closing the storage of a Keyv
 * disconnects the Keyv.
 *
 * A `Map` keeps values as they are, under the full keys: `token` is at `"=token"`, and in namespace `alice` at
 * `"alice/=token"`. What the two promise less than our own adapters is in the table of the README.
 */
export function toStorage(given: StorageLike): Storage {
  if (given instanceof Map) return createStorage(mapEngine(given));
  if (isStorage(given)) return given;
  if (isKeyv(given)) return createStorage(lazyKeyvEngine(given));
  throw new TypeError(`Cannot use ${describe(given)}`);
}

const storageMethods = [
  "get",
  "getMany",
  "has",
  "entries",
  "namespaces",
  "set",
  "delete",
  "clear",
  "transaction",
  "namespace",
  "lease",
  "close",
] as const satisfies readonly (keyof Storage)[];

/** Throws when it is one in part: something would fail only when it is used. */
function isStorage(given: unknown): given is Storage {
  if (!hasMethods(given, ["transaction", "namespace"])) return false;
  const missing: string[] = storageMethods.filter((name) => !hasMethods(given, [name]));
  if (!("guarantees" in given)) missing.push("guarantees");
  if (missing.length === 0) return true;
  throw new TypeError(
    `Cannot use the storage: it has no ${missing.join(", ")}; make it with createStorage, which adds what an engine lacks`,
  );
}

function isKeyv(given: unknown): given is KeyvLike {
  return hasMethods(given, ["get", "set", "delete", "disconnect", "on", "off"]);
}

function hasMethods(given: unknown, names: readonly string[]): given is object {
  if (typeof given !== "object" || given === null) return false;
  return names.every((name) => typeof Reflect.get(given, name) === "function");
}

/** What somebody may have meant, and how to say it. */
function describe(given: unknown): string {
  if (typeof given === "string") return `"${given}" as a storage: open one with it, as fileStorage("${given}") does`;
  if (given instanceof Promise) return "a promise as a storage: await it, or pass the function that makes it";
  return `${given === null ? "null" : typeof given} as a storage: it is neither a Storage, nor a Keyv, nor a Map`;
}
