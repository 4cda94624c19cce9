import { StorageError } from "./storage-error.js";

/** The key that a storage, or a namespace, has from the begin of an import into it until all of it is there. */
export const unfinishedImportKey = "@mx/storage: unfinished import";

export function unfinishedImport(attempt: string): StorageError {
  return new StorageError(
    `Cannot ${attempt}: an import into it has not come to its end; call importStorage again with the whole export`,
    { code: "damaged" },
  );
}
