/*
 * Transactions, order and honest errors on any Keyv. The rules:
 *
 * 1. One call of the engine at a time, the reads too: nobody sees half of a commit, and an error that the Keyv emits
 *    belongs to the call that runs.
 * 2. A Keyv lists its keys in no order, or not at all, so they are kept in an index: pages of keys, stored beside the
 *    values. It is also how a read that failed without a word is told from a key that has no value.
 * 3. What changes more than one entry is decided when its journal, a list of the new entries, is stored. The entries
 *    follow, then the journal is emptied. Whoever finds a journal first does what it says: doing it twice does no harm.
 *    Commits that come together share one journal.
 * 4. The index and the journal are always there, empty or not: one without the other is a read that failed without a
 *    word. A store without both is new only if it gives back what is written to it, and still has neither.
 * 5. After a failed write nothing in memory is trusted: the index is read anew.
 */
import type { Commit, StorageEngine, StorageGuarantees } from "../engine.js";
import { KeyIndex } from "./key-index.js";
import { keyvGuarantees } from "./keyv-guarantees.js";
import { problemOf } from "../problem.js";
import { rowsOf } from "../rows.js";
import { StorageError } from "../storage-error.js";

/** What is used of a Keyv. */
export interface KeyvLike {
  get(key: string): Promise<unknown>;
  /** A `ttl` of 0 is "for ever", whatever the Keyv's own default is. */
  set(key: string, value: string, ttl: number): Promise<boolean>;
  delete(key: string): Promise<boolean>;
  disconnect(): Promise<void>;
  on(event: "error", listener: (error: unknown) => void): unknown;
  off(event: "error", listener: (error: unknown) => void): unknown;
  /** Keyv 5: whether a failure of the backend rejects, instead of looking like "no value". */
  throwOnErrors?: boolean;
}

/** Entries by their key in the Keyv; `undefined` removes one. */
type Entries = ReadonlyMap<string, string | undefined>;

/** Entries of our own; they never meet a value's, whose key has a `%3D` in it. */
const journalKey = "storage-journal";
const probeKey = "storage-probe";
const pageKey = (page: number): string => `storage-keys-${page}`;

/**
 * Letters, digits and `%` are all that is left: no `:`, which a Keyv would take for the end of its namespace, and nothing
 * that a backend could trip over, or that a Keyv's `sanitize` would remove.
 */
const valueKey = (fullKey: string): string => encodeURIComponent(fullKey).replace(/[-_.!~*'()]/g, toPercent);

const toPercent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;

/** The version of all of the above. */
const format = 1;

/** The journal, or a page of the index. */
interface Stored {
  readonly format: number;
  /** In the journal; `null` removes one. */
  readonly entries?: readonly [key: string, value: string | null][];
  /** On a page. */
  readonly keys?: string[];
  /** On the first page: how many there are. */
  readonly pageCount?: number;
}

const noEntries: Entries = new Map();

const engines = new WeakMap<KeyvLike, StorageEngine>();

/** The engine on `keyv`: the same one each time, because two would not know of each other's keys. */
export function keyvEngine(keyv: KeyvLike): StorageEngine {
  const engine = engines.get(keyv) ?? new KeyvEngine(keyv);
  engines.set(keyv, engine);
  return engine;
}

class KeyvEngine implements StorageEngine {
  readonly guarantees: StorageGuarantees = keyvGuarantees;
  readonly #keyv: KeyvLike;
  #lastCall: Promise<unknown> = Promise.resolve();
  #index: KeyIndex | undefined;
  /** What has to succeed before anything else is done: the rest of a commit, or taking back one that was rejected. */
  #unfinished: { readonly finish: () => Promise<void>; readonly isRejected: boolean } | undefined;

  constructor(keyv: KeyvLike) {
    this.#keyv = keyv;
  }

  read(keys: readonly string[]): Promise<(string | undefined)[]> {
    return this.#inTurn((index) => this.#values(index, keys));
  }

  scan(prefix: string, after: string, limit: number): Promise<(readonly [key: string, value: string])[]> {
    return this.#inTurn(async (index) => {
      const keys = index.list(prefix, after, limit);
      return rowsOf(keys, await this.#values(index, keys));
    });
  }

  commit(commits: readonly Commit[]): Promise<boolean[]> {
    return this.#inTurn(async (index) => {
      const expected = [...new Set(commits.flatMap((commit) => [...commit.expected.keys()]))];
      const stored = new Map(rowsOf(expected, await this.#values(index, expected)));
      const entries = new Map<string, string | undefined>();
      const current = (key: string): string | undefined =>
        entries.has(valueKey(key)) ? entries.get(valueKey(key)) : stored.get(key);
      const made = commits.map((commit) => {
        if ([...commit.expected].some(([key, value]) => current(key) !== value)) return false;
        addChanges(entries, commit, index);
        return true;
      });
      addChangedPages(entries, index);
      await this.#write(entries);
      return made;
    });
  }

  close(): Promise<void> {
    return this.#afterLastCall(async () => {
      try {
        await this.#finish();
      } catch (cause) {
        // A commit that was acknowledged is made by the next opening, as it should.
        if (this.#unfinished?.isRejected === true) throw this.#leftBehind(cause);
      } finally {
        this.#index = undefined;
        // Whoever opens it next reads the journal: by then, others may have done what it says, and more.
        this.#unfinished = undefined;
        await this.#keyv.disconnect();
      }
    });
  }

  #inTurn<Result>(work: (index: KeyIndex) => Promise<Result>): Promise<Result> {
    return this.#afterLastCall(async () => {
      await this.#finish();
      this.#index ??= await this.#open();
      return work(this.#index);
    });
  }

  #afterLastCall<Result>(work: () => Promise<Result>): Promise<Result> {
    const call = this.#lastCall.then(work);
    this.#lastCall = call.catch(() => undefined);
    return call;
  }

  async #open(): Promise<KeyIndex> {
    const { journal, firstPage } = (await this.#look()) ?? (await this.#begin());
    // Both before anything is done: a later version's journal is not ours to finish.
    const { entries = [] } = this.#inOurFormat(journal);
    this.#inOurFormat(firstPage);
    if (entries.length > 0) await this.#redo(new Map(entries));
    const pages: string[][] = [];
    for (let page = 0, pageCount = 1; page < pageCount; page++) {
      const text = await this.#get(pageKey(page));
      if (text === undefined) throw this.#missing(pageKey(page));
      const stored = this.#inOurFormat(text);
      pageCount = stored.pageCount ?? pageCount;
      pages.push(stored.keys ?? []);
    }
    return new KeyIndex(pages);
  }

  /** Reads the journal and the first page of the index; `undefined` when there is neither. */
  async #look(): Promise<{ journal: string; firstPage: string } | undefined> {
    const [journal, firstPage] = await this.#getAll([journalKey, pageKey(0)]);
    if (firstPage !== undefined) {
      this.#inOurFormat(firstPage);
      if (journal === undefined) throw this.#missing(journalKey);
      return { journal, firstPage };
    }
    if (journal === undefined) return undefined;
    const { entries = [] } = this.#inOurFormat(journal);
    // A new store's first commit is to write the index, and may have come no further than the journal.
    const written = entries.find(([key]) => key === pageKey(0))?.[1];
    if (written === undefined || written === null) throw this.#missing(pageKey(0));
    return { journal, firstPage: written };
  }

  /** Looks again, now that it is certain that a read finds what is there; makes an index if there still is none. */
  async #begin(): Promise<{ journal: string; firstPage: string }> {
    await this.#put(probeKey, "1");
    if ((await this.#get(probeKey)) === undefined) throw this.#missing(probeKey);
    const found = await this.#look();
    const firstPage = JSON.stringify({ format, pageCount: 1, keys: [] });
    const journal = journalOf(new Map([[pageKey(0), firstPage]]));
    if (found === undefined) await this.#put(journalKey, journal);
    await this.#put(probeKey, undefined);
    return found ?? { journal, firstPage };
  }

  #inOurFormat(text: string): Stored {
    const stored = storedIn(text);
    if (stored === undefined) {
      throw new StorageError(
        "Cannot open the Keyv: its list of keys or its journal is not what a storage has written; " +
          "give the storage a Keyv that nobody else writes to, or one with another namespace",
        { code: "damaged" },
      );
    }
    if (stored.format === format) return stored;
    throw new StorageError(
      `Cannot open the Keyv: its keys are in format ${stored.format}, and this version knows ${format}; update @mx/storage`,
      { code: "newer-format" },
    );
  }

  async #values(index: KeyIndex, keys: readonly string[]): Promise<(string | undefined)[]> {
    const present = keys.filter((key) => index.has(key));
    const found = new Map(rowsOf(present, await this.#getAll(present.map(valueKey))));
    const missing = present.find((key) => !found.has(key));
    if (missing !== undefined) throw this.#missing(valueKey(missing));
    return keys.map((key) => found.get(key));
  }

  /** Makes all changes of `entries`, or none. */
  async #write(entries: Entries): Promise<void> {
    try {
      if (entries.size <= 1) {
        for (const [key, value] of entries) await this.#put(key, value);
        return;
      }
      await this.#put(journalKey, journalOf(entries));
    } catch (error) {
      this.#index = undefined;
      // It may have been stored all the same, and must not be found.
      if (entries.size > 1) this.#unfinished = { finish: () => this.#redo(noEntries), isRejected: true };
      throw error;
    }
    this.#unfinished = { finish: () => this.#redo(entries), isRejected: false };
    // The commit is decided. If the rest fails now, the next call does it, or rejects with what stands in the way.
    await this.#finish().catch(() => undefined);
  }

  async #finish(): Promise<void> {
    await this.#unfinished?.finish();
    this.#unfinished = undefined;
  }

  async #redo(entries: ReadonlyMap<string, string | null | undefined>): Promise<void> {
    await this.#putAll(entries);
    await this.#put(journalKey, journalOf(noEntries));
  }

  async #get(key: string): Promise<string | undefined> {
    const [value] = await this.#getAll([key]);
    return value;
  }

  async #getAll(keys: readonly string[]): Promise<(string | undefined)[]> {
    const attempt = keys.length === 1 ? `read "${keys[0]}"` : `read ${keys.length} values`;
    const values = await this.#strictly(attempt, () => Promise.all(keys.map((key) => this.#keyv.get(key))));
    return values.map((value, position) => {
      if (value === undefined || typeof value === "string") return value;
      throw new StorageError(
        `Cannot read "${keys[position]}" in the Keyv: it is ${typeof value}, which no storage has written; ` +
          "give the storage a Keyv that nobody else writes to",
        { code: "damaged" },
      );
    });
  }

  #put(key: string, value: string | undefined): Promise<void> {
    return this.#putAll(new Map([[key, value]]));
  }

  /** Writes at the same time, as a store that waits before it writes would otherwise wait for each of them. */
  async #putAll(entries: ReadonlyMap<string, string | null | undefined>): Promise<void> {
    const attempt = entries.size === 1 ? `write "${[...entries.keys()].join("")}"` : `write ${entries.size} entries`;
    await this.#strictly(attempt, async () => {
      const writes = [...entries].map(([key, value]) => this.#putOne(key, value ?? undefined));
      // All of them, also after a failure: none may come after what is done next.
      const outcomes = await Promise.allSettled(writes);
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    });
  }

  async #putOne(key: string, value: string | undefined): Promise<void> {
    const done = value === undefined ? await this.#keyv.delete(key) : await this.#keyv.set(key, value, 0);
    if (done) return;
    // `delete` may just mean that there was nothing.
    if (value !== undefined || (await this.#keyv.get(key)) !== undefined) throw new Error("it answered `false`");
  }

  /**
   * Does `work` so that whatever goes wrong in the Keyv rejects: it may throw, or emit an error and look successful.
   * One at a time, because it leaves the Keyv as strict as it has found it.
   */
  async #strictly<Result>(attempt: string, work: () => Promise<Result>): Promise<Result> {
    const emitted: unknown[] = [];
    const note = (error: unknown): void => void emitted.push(error);
    const { throwOnErrors } = this.#keyv;
    this.#keyv.on("error", note);
    if (throwOnErrors !== undefined) this.#keyv.throwOnErrors = true;
    try {
      const result = await work();
      if (emitted.length > 0) throw emitted[0];
      return result;
    } catch (cause) {
      throw new StorageError(`Cannot ${attempt} in the Keyv: ${problemOf(cause)}`, { cause });
    } finally {
      this.#keyv.off("error", note);
      if (throwOnErrors !== undefined) this.#keyv.throwOnErrors = throwOnErrors;
    }
  }

  #leftBehind(cause: unknown): StorageError {
    return new StorageError(
      `Cannot close the Keyv: a commit that was rejected may still be made by its next opening (${problemOf(cause)}); ` +
        `open it again with this Keyv first`,
      { cause },
    );
  }

  #missing(key: string): StorageError {
    return new StorageError(
      `Cannot read "${key}" from the Keyv: it was written, and is not there; a read has failed, or somebody removed it`,
    );
  }
}

/** Reads a journal or a page; the error of `JSON.parse` is not passed on, because it quotes what is stored. */
function storedIn(text: string): Stored | undefined {
  try {
    const stored: Stored | null = JSON.parse(text);
    return typeof stored?.format === "number" ? stored : undefined;
  } catch {
    return undefined;
  }
}

function journalOf(entries: Entries): string {
  const journal: Stored = { format, entries: [...entries].map(([key, value]) => [key, value ?? null]) };
  return JSON.stringify(journal);
}

/** Adds the values that `commit` changes to `entries`, and their keys to `index`. */
function addChanges(entries: Map<string, string | undefined>, { cleared, written }: Commit, index: KeyIndex): void {
  const remove = (key: string): void => {
    if (index.has(key)) entries.set(valueKey(key), undefined);
    index.delete(key);
  };
  for (const prefix of cleared) {
    for (const key of index.list(prefix, "", Number.POSITIVE_INFINITY)) remove(key);
  }
  for (const [key, value] of written) {
    if (value === undefined) {
      remove(key);
    } else {
      index.add(key);
      entries.set(valueKey(key), value);
    }
  }
}

function addChangedPages(entries: Map<string, string | undefined>, index: KeyIndex): void {
  for (const [page, keys] of index.takeChanged()) {
    const pageCount = page === 0 ? { pageCount: index.pageCount } : {};
    entries.set(pageKey(page), JSON.stringify({ format, ...pageCount, keys }));
  }
}
