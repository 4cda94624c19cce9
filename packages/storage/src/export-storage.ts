import { entryLine, footer, header } from "./export-format.js";
import type { Storage } from "./storage.js";
import { requireNoUnfinishedImport, unfinishedImport, unfinishedImportKey } from "./unfinished-import.js";

/** What can be chosen about an export, and about an import. */
export interface TransferOptions {
  /** Is told how many entries have passed, each time that some more have. */
  readonly onProgress?: (progress: { readonly entries: number }) => void;
  /** Ends it; the signal's reason is what it rejects with. */
  readonly signal?: AbortSignal;
}

/** How much is put together into one text, so that a writer is not called for each line. */
const charactersPerText = 65_536;

/**
 * All that is in `storage`, a namespace for instance, and in the namespaces inside it, as texts of whole lines that end
 * in a line break: `await writeFile(path, exportStorage(storage))`. The format is in `export-format.ts`, and needs no
 * more than a reader of JSON. What a storage encrypts is plain text in it.
 *
 * It reads a page of entries after the other. Each is from one moment; for all of them to be, nobody may write meanwhile.
 */
export async function* exportStorage(storage: Storage, options: TransferOptions = {}): AsyncGenerator<string, void> {
  const { onProgress, signal } = options;
  signal?.throwIfAborted();
  await requireNoUnfinishedImport(storage, "export the storage");
  let text = header;
  let entries = 0;
  for await (const line of entryLines(storage, [])) {
    signal?.throwIfAborted();
    text += line;
    entries++;
    if (text.length < charactersPerText) continue;
    yield text;
    text = "";
    onProgress?.({ entries });
  }
  yield text + footer(entries);
  onProgress?.({ entries });
}

async function* entryLines(storage: Storage, namespace: readonly string[]): AsyncGenerator<string, void> {
  for await (const [key, value] of storage.entries()) {
    if (key === unfinishedImportKey) throw unfinishedImport("export the storage");
    yield entryLine(namespace, key, value);
  }
  for await (const name of storage.namespaces()) yield* entryLines(storage.namespace(name), [...namespace, name]);
}
