import { StorageError } from "./storage-error.js";
import type { Storage, Transaction } from "./storage.js";
import { requireNoUnfinishedImport, unfinishedImport, unfinishedImportKey } from "./unfinished-import.js";

/** The key of the number of steps that were made: an entry like all others, so that an export has it, too. */
export const schemaVersionKey = "@mx/storage: schema version";

/** Brings what is stored from one version of an application to the next. */
export type Migration = (transaction: Transaction) => void | Promise<void>;

/**
 * Makes those of `steps` that were not made yet in `storage`, which may be a namespace, and resolves with the version
 * reached, which is the number of all of them. To be called before anything else uses the storage, with every step that there has ever been:
 * new ones go to the end.
 *
 * Each step commits in one transaction with its version, once, however many processes migrate at the same time; as with
 * every transaction, what it does beside reading and writing through its transaction may be done again. When a step
 * throws, its error is passed on, and the storage is as the step before has left it.
 *
 * Rejects with a `StorageError` of code `newer-format` when the storage has a greater version than there are steps. The
 * version is at the key `schemaVersionKey`: listings and exports have it, and `clear()` removes it with all the rest.
 */
export async function migrate(storage: Storage, steps: readonly Migration[]): Promise<number> {
  await requireNoUnfinishedImport(storage, "migrate the storage");
  for (;;) {
    const isDone = await storage.transaction((transaction) => takeStep(transaction, steps));
    if (isDone) return steps.length;
  }
}

/** Resolves with whether there is nothing left to do. */
async function takeStep(transaction: Transaction, steps: readonly Migration[]): Promise<boolean> {
  const version = await versionOf(transaction);
  if (version > steps.length) {
    throw new StorageError(
      `Cannot migrate the storage: its version is ${version}, and this application knows ${steps.length}; ` +
        "update the application",
      { code: "newer-format" },
    );
  }
  const step = steps[version];
  if (step === undefined) return true;
  await step(transaction);
  // After the step: it may clear the storage.
  transaction.set(schemaVersionKey, version + 1);
  return false;
}

async function versionOf(transaction: Transaction): Promise<number> {
  const [version = 0, marker] = await transaction.getMany([schemaVersionKey, unfinishedImportKey]);
  if (marker !== undefined) throw unfinishedImport("migrate the storage");
  if (typeof version === "number" && Number.isSafeInteger(version) && version >= 0) return version;
  throw new StorageError(
    `Cannot migrate the storage: what is at "${schemaVersionKey}" is no version; restore a copy of the storage`,
    { code: "damaged" },
  );
}
