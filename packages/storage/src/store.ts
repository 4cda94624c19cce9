import type { Commit, StorageEngine, StorageGuarantees } from "./engine.js";
import { CommitTurns, conflictError, maxAttempts } from "./commit-turns.js";
import { clock } from "./env.js";
import { GroupCommit } from "./group-commit.js";
import { HotValues } from "./hot-values.js";
import { Inside } from "./inside.js";
import { isQuestion } from "./is-question.js";
import { asStorageError, OpenEngine } from "./open-engine.js";
import { Pauses } from "./pauses.js";
import { rowsOf } from "./rows.js";
import { StorageError } from "./storage-error.js";
import type { StorageValue } from "./storage.js";
import { type CommitWrite, type Write, sizeOfGroup } from "./writes.js";

/** How many rows a listing asks the engine for, the first time and at most. */
const firstRows = 32;
const maxRows = 128;

/** Pages of more are made shorter: a value may be as long as all others together. */
const maxCharactersPerPage = 1024 * 1024;

/** How much of what is stored is kept in memory by default. */
const defaultHotBytes = 16 * 1024 * 1024;

/** What can be chosen about any storage. */
export interface StoreOptions {
  /** How much of what was read is kept in memory, in bytes, roughly; 0 for nothing. Default: 16 MiB. */
  readonly hotBytes?: number;
}

/** Encoded values by full key: what a storage and its transactions read from. */
export interface Rows {
  /**
   * The value of `key` in the namespace at `prefix`, if it is in memory, and is the value that is stored now. Where
   * `read` rejects, there is none.
   */
  recall(prefix: string, key: string): Promise<StorageValue> | undefined;
  /** Lets `recall` answer with `value` for as long as what is stored is `text`. */
  answerWith(prefix: string, key: string, text: string, value: StorageValue): void;
  /** The encoded values of `keys`, in their order, read at one moment. */
  read(keys: readonly string[]): Promise<(string | undefined)[]>;
  /** All rows whose keys start with `prefix` and come after `after`, in order; `rows` of them are read at first. */
  list(prefix: string, after?: string, rows?: number): AsyncIterable<readonly [key: string, value: string]>;
}

/** Counts what is changed below `prefix`, by others than the one who has it. */
export interface Watch {
  readonly prefix: string;
  changes: number;
}

/**
 * An engine, and in front of it the values that are in memory. They are what is stored now, because:
 *
 * 1. Before one is used, the engine is asked what others have changed.
 * 2. What was read, or read before and now written, is kept only if nothing at all has changed since the reading or the
 *    writing began: of two changes that are under way at once, nobody knows which is the later one.
 * 3. What a commit that failed was to write is forgotten, and what one expected that found something else.
 */
export class Store implements Rows {
  readonly guarantees: StorageGuarantees;
  readonly inside: Inside = new Inside();
  readonly turns: CommitTurns = new CommitTurns();
  readonly #engine: StorageEngine;
  readonly #open: OpenEngine;
  readonly #group: GroupCommit<Write>;
  readonly #hot: HotValues;
  /** Whether what is in memory may be used. */
  #isHot: boolean;
  /** Counts the changes that were made or noticed. */
  #changes = 0;
  readonly #watches = new Set<Watch>();

  constructor(engine: StorageEngine, { hotBytes = defaultHotBytes }: StoreOptions = {}) {
    if (typeof hotBytes !== "number" || !(hotBytes >= 0)) {
      throw new TypeError(`Cannot make a storage: hotBytes is ${String(hotBytes)}; give a number of bytes, 0 for none`);
    }
    this.guarantees = engine.guarantees ?? { durability: "unknown", sharing: "nobody" };
    this.#engine = engine;
    this.#open = new OpenEngine(engine);
    this.#group = new GroupCommit({
      begin: () => this.#open.begin(),
      sizeOfGroup,
      make: (group) => this.#make(group),
      end: () => this.#open.end(),
    });
    this.#hot = new HotValues(hotBytes);
    this.#isHot = engine.takeChanges !== undefined && hotBytes > 0;
  }

  recall(prefix: string, key: string): Promise<StorageValue> | undefined {
    if (!this.#isHot || this.inside.isInside) return undefined;
    this.#notice();
    return this.#hot.get(prefix, key)?.answer;
  }

  answerWith(prefix: string, key: string, text: string, value: StorageValue): void {
    this.#hot.answerWith(prefix, key, text, value);
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    this.requireOpen("read from the storage");
    if (!this.#isHot) return this.readStored(keys);
    this.#notice();
    // All of them, or the answer would be of two moments.
    const hot = keys.map((key) => this.#hot.find(key));
    if (hot.every((each) => each !== undefined)) return hot.map(({ text }) => text);
    const changes = this.#changes;
    const values = await this.readStored(keys);
    if (this.#hasChangedSince(changes)) return values;
    for (const [index, key] of keys.entries()) this.#hot.keep(key, values[index]);
    return values;
  }

  /** Reads what is stored, whatever is in memory. */
  readStored(keys: readonly string[]): Promise<(string | undefined)[]> {
    return this.#open.run("read from the storage", (engine) => engine.read(keys));
  }

  async *list(
    prefix: string,
    start = "",
    rows: number = firstRows,
  ): AsyncGenerator<readonly [key: string, value: string], void> {
    let after = start;
    const pauses = new Pauses();
    for (let limit = rows; ;) {
      const page = await this.scan(prefix, after, limit);
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < limit) return;
      [after] = last;
      limit = charactersIn(page) > maxCharactersPerPage ? Math.ceil(limit / 4) : Math.min(4 * limit, maxRows);
      await pauses.pauseWhenDue();
    }
  }

  /** One page of `list`. */
  scan(prefix: string, after: string, limit: number): Promise<(readonly [key: string, value: string])[]> {
    return this.#open.run("read from the storage", (engine) => engine.scan(prefix, after, limit));
  }

  /**
   * Resolves with `false`, and has changed nothing, when something that `commit` expects is not what is stored. It does
   * not count for `watch`, whose owner makes it, and keeps in memory itself what is to be kept.
   */
  commit(commit: Commit, watch?: Watch): Promise<boolean> {
    return this.#write({ commit, by: watch });
  }

  /** Begins to count what others change below `prefix`, for one who keeps in memory what is there. */
  watch(prefix: string): Watch {
    const watch = { prefix, changes: 0 };
    this.#watches.add(watch);
    return watch;
  }

  /** What `watch` has counted. It grows at each call where nobody can tell what others have changed. */
  changesOf(watch: Watch): number {
    if (watch.changes < Number.POSITIVE_INFINITY) this.#notice();
    return watch.changes;
  }

  /** Removes `key`; resolves with whether it was there. */
  delete(key: string): Promise<boolean> {
    return this.#write({ deletedKey: key });
  }

  /** The time in milliseconds, by the clock of all who share the store. */
  now(): Promise<number> {
    return this.#open.run("ask the storage for the time", async (engine) => engine.now?.() ?? clock.now());
  }

  /** Forgets what is in memory. */
  forgetAll(): void {
    this.#changes++;
    this.#hot.forgetAll();
    for (const watch of this.#watches) watch.changes++;
  }

  /** Throws after `close`. */
  requireOpen(attempt: string): void {
    const closed = this.#open.closedError(attempt);
    if (closed !== undefined) throw closed;
  }

  /** Throws after `close`, and where a function that has a transaction of its own runs. */
  requireOutside(attempt: string): void {
    this.requireOpen(attempt);
    if (!this.inside.isInside) return;
    throw new StorageError(
      `Cannot ${attempt} inside a transaction of it: use the transaction that the function is given, ` +
        "or begin with a storage that both are in",
      { code: "misuse" },
    );
  }

  /** Lets `lastly` commit what is to be the last, past the calls that reject from now on. */
  close(lastly: (commit: (commits: readonly Commit[]) => Promise<unknown>) => Promise<void>): Promise<void> {
    this.#isHot = false;
    for (const watch of this.#watches) watch.changes = Number.POSITIVE_INFINITY;
    return this.#open.close(() => lastly((commits) => this.#engine.commit(commits)));
  }

  #write(write: Write): Promise<boolean> {
    const closed = this.#open.closedError("write to the storage");
    return closed === undefined ? this.#group.add(write) : Promise.reject(closed);
  }

  async #make(group: readonly Write[]): Promise<readonly boolean[]> {
    const commits = group.flatMap((write) => ("commit" in write ? [write] : []));
    try {
      if (commits.length > 0) return await this.#makeCommits(commits);
      return await this.#delete(group.flatMap((write) => ("deletedKey" in write ? [write.deletedKey] : [])));
    } catch (error) {
      throw asStorageError("write to the storage", error);
    }
  }

  async #makeCommits(writes: readonly CommitWrite[]): Promise<readonly boolean[]> {
    const changes = this.#changes;
    let areMade: readonly boolean[] = [];
    try {
      areMade = await this.#engine.commit(writes.map(({ commit }) => commit));
      return areMade;
    } finally {
      // Asking what others have changed may take longer than the rest: not where nothing is in memory that is written.
      const isQuiet = this.#isHot && this.#hasInMemory(writes) && !this.#hasChangedSince(changes);
      for (const [index, { commit, by }] of writes.entries()) {
        this.#remember(commit, isQuiet && areMade[index] === true && by === undefined);
        this.#tellOthers(commit, by);
      }
    }
  }

  /** Removes `keys`; resolves with which of them were there. Nobody of this process writes meanwhile. */
  async #delete(keys: readonly string[]): Promise<boolean[]> {
    const removed = new Set<string>();
    let left = keys;
    for (let attempts = 0; left.length > 0; attempts++) {
      if (attempts === maxAttempts) throw conflictError();
      const stored = rowsOf(left, await this.#engine.read(left));
      const writes = stored.map(([key, value]) => removalOf(key, value));
      const areMade = writes.length === 0 ? [] : await this.#makeCommits(writes);
      for (const [index, [key]] of stored.entries()) if (areMade[index] === true) removed.add(key);
      left = stored.map(([key]) => key).filter((key) => !removed.has(key));
    }
    return keys.map((key) => removed.has(key));
  }

  #hasInMemory(writes: readonly CommitWrite[]): boolean {
    if (this.#hot.isEmpty) return false;
    return writes.some(({ commit }) => [...commit.written.keys()].some((key) => this.#hot.has(key)));
  }

  #remember(commit: Commit, isCurrent: boolean): void {
    const { cleared, written, expected } = commit;
    if (!this.#hot.isEmpty) {
      for (const prefix of cleared) this.#hot.forgetNamespace(prefix);
      for (const [key, value] of written) {
        if (isCurrent) this.#hot.replace(key, value);
        else this.#hot.forget(key);
      }
      if (!isCurrent) for (const key of expected.keys()) this.#hot.forget(key);
    }
    if (!isQuestion(commit)) this.#changes++;
  }

  #tellOthers({ cleared, written }: Commit, by: Watch | undefined): void {
    for (const watch of this.#watches) {
      const isClearing = (prefix: string): boolean =>
        watch.prefix.startsWith(prefix) || prefix.startsWith(watch.prefix);
      if (watch !== by && (cleared.some(isClearing) || isBelow(watch.prefix, written.keys()))) watch.changes++;
    }
  }

  #hasChangedSince(changes: number): boolean {
    this.#notice();
    return this.#changes !== changes;
  }

  /** Forgets what others have changed. */
  #notice(): void {
    const changed = this.#engine.takeChanges?.() ?? "all";
    if (changed === "all") this.forgetAll();
    else if (changed.length > 0) {
      this.#changes++;
      for (const key of changed) this.#hot.forget(key);
      for (const watch of this.#watches) if (isBelow(watch.prefix, changed)) watch.changes++;
    }
  }
}

/** Removes `key` if it still has `value`. */
function removalOf(key: string, value: string): CommitWrite {
  return {
    commit: { expected: new Map([[key, value]]), cleared: [], written: new Map([[key, undefined]]) },
    by: undefined,
  };
}

function charactersIn(rows: readonly (readonly [key: string, value: string])[]): number {
  return rows.reduce((sum, [, value]) => sum + value.length, 0);
}

/** Whether one of `keys` starts with `prefix`. */
function isBelow(prefix: string, keys: Iterable<string>): boolean {
  for (const key of keys) if (key.startsWith(prefix)) return true;
  return false;
}

/** What a storage reads from, which is not for a function that has a transaction of its own. */
export class OutsideRows implements Rows {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  recall(prefix: string, key: string): Promise<StorageValue> | undefined {
    return this.#store.recall(prefix, key);
  }

  answerWith(prefix: string, key: string, text: string, value: StorageValue): void {
    this.#store.answerWith(prefix, key, text, value);
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    this.#store.requireOutside("read from the storage");
    return this.#store.read(keys);
  }

  list(prefix: string, after?: string, rows?: number): AsyncGenerator<readonly [key: string, value: string], void> {
    this.#store.requireOutside("read from the storage");
    return this.#store.list(prefix, after, rows);
  }
}
