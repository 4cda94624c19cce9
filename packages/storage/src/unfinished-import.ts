import { findPlaceOf } from "./create-storage.js";
import { enclosingPrefixes, fullKey } from "./full-key.js";
import { StorageError } from "./storage-error.js";
import type { Storage } from "./storage.js";

/** The key that a storage, or a namespace, has from the begin of an import into it until all of it is there. */
export const unfinishedImportKey = "@mx/storage: unfinished import";

/** Rejects when an import into `storage`, or into what it is a namespace of, has not come to its end. */
export async function requireNoUnfinishedImport(storage: Storage, attempt: string): Promise<void> {
  if (await hasUnfinishedImport(storage)) throw unfinishedImport(attempt);
}

export function unfinishedImport(attempt: string): StorageError {
  return new StorageError(
    `Cannot ${attempt}: an import into it has not come to its end; call importStorage again with the whole export`,
    { code: "damaged" },
  );
}

async function hasUnfinishedImport(storage: Storage): Promise<boolean> {
  const place = findPlaceOf(storage);
  if (place === undefined) return storage.has(unfinishedImportKey);
  const keys = enclosingPrefixes(place.prefix).map((prefix) => fullKey(prefix, unfinishedImportKey));
  return (await place.store.read(keys)).some((text) => text !== undefined);
}
