/*
 * An import is there as a whole, or can be told from a whole one:
 *
 * 1. It goes only to where nothing is. The first commit writes a marker there, with a name of this import alone.
 * 2. Each commit after that expects the marker: two imports into one place never mix.
 * 3. The last commit removes the marker. Until then nothing exports or migrates what is there.
 * 4. A failure removes all of it in one commit, if the marker is still this import's.
 * 5. Where a marker was left behind, by a process that was killed, the next import removes what it finds and starts
 *    over.
 */
import { chance } from "./env.js";
import type { TransferOptions } from "./export-storage.js";
import { type ExportedEntry, damaged, readExport } from "./read-export.js";
import { problemOf } from "./problem.js";
import { StorageError } from "./storage-error.js";
import type { Storage, Transaction } from "./storage.js";
import { unfinishedImportKey } from "./unfinished-import.js";
import { untilAborted } from "./until-aborted.js";

/** How much is committed at a time. */
const maxEntriesPerCommit = 1000;
const maxCharactersPerCommit = 1_048_576;

/**
 * Puts into `storage`, a namespace for instance, what `exportStorage` has taken out of one, of whatever kind. There must
 * be nothing in it, and nobody else may use it before this resolves, with the number of entries. `texts` may be
 * cut anywhere: `createReadStream(path, "utf8")` will do.
 *
 * When it rejects, it has removed again what it had written; a `StorageError` of code `damaged` names the line that is
 * not as it was exported, or says that the end is missing. If it can remove nothing, because the process is killed or the
 * backend fails, the storage keeps the key `"@mx/storage: unfinished import"`, `exportStorage` and `migrate` refuse it,
 * and calling `importStorage` again starts over.
 */
export async function importStorage(
  storage: Storage,
  texts: AsyncIterable<string> | Iterable<string>,
  options: TransferOptions = {},
): Promise<{ entries: number }> {
  const batches = batchesOf(readExport(untilAborted(texts, options.signal)));
  try {
    // What is no export is refused before anything is written.
    const first = await batches.next();
    const place = await ImportPlace.begin(storage);
    try {
      let entries = 0;
      for (let batch = first; batch.done !== true; batch = await batches.next()) {
        await place.write(batch.value);
        entries += batch.value.length;
        options.onProgress?.({ entries });
      }
      await place.finish();
      return { entries };
    } catch (error) {
      // The error that counts is the first one. If this fails as well, the marker stays.
      await place.empty().catch(() => undefined);
      throw error;
    }
  } finally {
    await batches.return();
  }
}

async function* batchesOf(entries: AsyncIterable<ExportedEntry>): AsyncGenerator<readonly ExportedEntry[], void> {
  let batch: ExportedEntry[] = [];
  let characters = 0;
  for await (const entry of entries) {
    const isFull = batch.length === maxEntriesPerCommit || characters + entry.characters > maxCharactersPerCommit;
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(entry);
    characters += entry.characters;
  }
  if (batch.length > 0) yield batch;
}

/** Where the import goes. */
class ImportPlace {
  readonly #storage: Storage;
  readonly #marker: string;

  private constructor(storage: Storage, marker: string) {
    this.#storage = storage;
    this.#marker = marker;
  }

  static async begin(storage: Storage): Promise<ImportPlace> {
    const marker = chance.name();
    await storage.transaction(async (transaction) => {
      if (await transaction.has(unfinishedImportKey)) transaction.clear();
      else await requireNothing(transaction);
      transaction.set(unfinishedImportKey, marker);
    });
    return new ImportPlace(storage, marker);
  }

  async write(batch: readonly ExportedEntry[]): Promise<void> {
    await this.#storage.transaction(async (transaction) => {
      await this.#requireOurs(transaction);
      for (const group of groupsOf(batch)) await add(transaction, group);
    });
  }

  async finish(): Promise<void> {
    await this.#storage.transaction(async (transaction) => {
      await this.#requireOurs(transaction);
      transaction.delete(unfinishedImportKey);
    });
  }

  async empty(): Promise<void> {
    await this.#storage.transaction(async (transaction) => {
      if (await this.#isOurs(transaction)) transaction.clear();
    });
  }

  async #requireOurs(transaction: Transaction): Promise<void> {
    if (await this.#isOurs(transaction)) return;
    throw new StorageError(
      "Cannot go on with the import: what it had written was removed, or another import has started over; " +
        "let nobody else use the storage, and import again",
      { code: "conflict" },
    );
  }

  async #isOurs(transaction: Transaction): Promise<boolean> {
    return (await transaction.get(unfinishedImportKey)) === this.#marker;
  }
}

async function requireNothing(transaction: Transaction): Promise<void> {
  for (const found of [transaction.entries(), transaction.namespaces()]) {
    for await (const _ of found) {
      throw new StorageError(
        "Cannot import into the storage: it is not empty; clear() it first, or import into a namespace of it",
        { code: "misuse" },
      );
    }
  }
}

/** The entries of `batch`, in its order, those of one namespace together. */
function groupsOf(batch: readonly ExportedEntry[]): ExportedEntry[][] {
  const groups: ExportedEntry[][] = [];
  let last = "";
  for (const entry of batch) {
    const namespace = JSON.stringify(entry.namespace);
    if (groups.length === 0 || namespace !== last) groups.push([]);
    groups.at(-1)?.push(entry);
    last = namespace;
  }
  return groups;
}

/** Sets the entries of one namespace. */
async function add(transaction: Transaction, group: readonly ExportedEntry[]): Promise<void> {
  const names = group[0]?.namespace ?? [];
  const place = names.reduce((outer, name) => outer.namespace(name), transaction);
  // All at once: below, the transaction knows the answers.
  await place.getMany(group.map(({ key }) => key));
  for (const { key, value, line } of group) {
    if (await place.has(key)) throw damaged(line, "there is a value for its key already");
    try {
      place.set(key, value);
    } catch (cause) {
      throw damaged(line, problemOf(cause), cause);
    }
  }
}
