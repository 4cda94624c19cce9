import { compareCodePoints } from "../code-points.js";
import type { Commit, StorageEngine, StorageGuarantees } from "../engine.js";
import { splitKey } from "../full-key.js";
import { rowsOf } from "../rows.js";
import { StorageError } from "../storage-error.js";
import type { Storage } from "../storage.js";
import type { Store, Watch } from "../store.js";
import { NameLists } from "./name-lists.js";
import { SealedPaths } from "./sealed-paths.js";
import type { Sealer } from "./sealer.js";

const nothing: readonly string[] = [];

/** How often a page is read anew because others have written meanwhile. */
const maxTries = 5;

/** What an encrypted storage is in. */
export interface EncryptedPlace {
  /** Closed with the engine. */
  readonly storage: Storage;
  readonly store: Store;
  /** Where all of it begins, the mark and the entries. */
  readonly prefix: string;
  readonly entriesPrefix: string;
  /** What must be stored: that the key is the one that was opened. */
  readonly mark: readonly [key: string, value: string];
}

/** What a commit clears and writes, and how that is said to the other store. */
type SealedCommit = Pick<Commit, "cleared" | "written"> & { readonly sealed: Commit };

type Row = readonly [key: string, value: string];

/** Keeps what it is given in another store, keys and values encrypted. */
export class EncryptedEngine implements StorageEngine {
  readonly guarantees: StorageGuarantees;
  readonly #place: EncryptedPlace;
  readonly #store: Store;
  readonly #sealer: Sealer;
  readonly #paths: SealedPaths;
  readonly #lists: NameLists;
  /** Counts what others change. */
  readonly #watch: Watch;
  #changesTaken: number;
  #changesListed: number;
  /** Settles when the commits so far are handed on: encrypting takes one longer than another. */
  #handedOn: Promise<unknown> = Promise.resolve();
  #commitsBegun = 0;
  readonly #commitsRunning = new Set<Promise<unknown>>();

  constructor(place: EncryptedPlace, sealer: Sealer) {
    this.#place = place;
    this.#store = place.store;
    this.guarantees = place.store.guarantees;
    this.#sealer = sealer;
    this.#paths = new SealedPaths(sealer, place.entriesPrefix);
    this.#lists = new NameLists(place.store, this.#paths);
    this.#watch = place.store.watch(place.prefix);
    this.#changesTaken = this.#watch.changes;
    this.#changesListed = this.#watch.changes;
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    const sealed = await Promise.all(keys.map(async (key) => this.#paths.seal(key)));
    const [markKey, expected] = this.#place.mark;
    // What the other store would keep in memory is of no use to anybody.
    const [mark, ...texts] = await this.#store.readStored([markKey, ...sealed]);
    if (mark !== expected) throw keyIsGone();
    return Promise.all(keys.map((key, index) => this.#open(key, texts[index])));
  }

  async scan(prefix: string, after: string, limit: number): Promise<Row[]> {
    // Later pages go on with the names of the first one, and lack nothing that was there when it was read.
    if (compareCodePoints(after, prefix) <= 0) this.#forgetListsOfOthers();
    const rows: Row[] = [];
    try {
      await this.#collect(rows, prefix, after, limit);
    } finally {
      // Where there is another key, names are missing, or look damaged.
      if (rows.length < limit) await this.#requireKey();
    }
    return rows;
  }

  async commit(commits: readonly Commit[]): Promise<readonly boolean[]> {
    const sealing = Promise.all(commits.map((commit) => this.#seal(commit)));
    const running = Promise.all([sealing, this.#handedOn]).then(([sealed]) => sealed.map((each) => this.#begin(each)));
    this.#handedOn = running.catch(() => undefined);
    // To the end of all of them: a caller that has been told of a failure takes none to be under way.
    const outcomes = await Promise.allSettled(await running);
    return outcomes.map((outcome) => {
      if (outcome.status === "rejected") throw outcome.reason;
      return outcome.value;
    });
  }

  takeChanges(): readonly string[] | "all" {
    const changes = this.#store.changesOf(this.#watch);
    if (changes === this.#changesTaken) return nothing;
    this.#changesTaken = changes;
    return "all";
  }

  now(): Promise<number> {
    return this.#store.now();
  }

  close(): Promise<void> {
    return this.#place.storage.close();
  }

  /** Puts into `rows` what starts with `prefix` and comes after `after`, until there are `limit`. */
  async #collect(rows: Row[], prefix: string, after: string, limit: number): Promise<void> {
    if (prefix.includes("=")) {
      rows.push(...(await this.#page(prefix, after, limit - rows.length)));
      return;
    }
    const list = await this.#lists.below(prefix);
    // The one that `after` is in is not after it.
    const first = stepTowards(prefix, after);
    if (first !== undefined) await this.#collect(rows, first, after, limit);
    for (let place = after; rows.length < limit;) {
      const [next] = list.after(place, prefix, 1);
      if (next === undefined) return;
      const size = rows.length;
      const isQuiet = this.#isQuietSince();
      // oxlint-disable-next-line no-await-in-loop
      await this.#collect(rows, next, "", limit);
      if (rows.length === size && isQuiet()) list.delete(next);
      place = next;
    }
  }

  /** A page of the keys of one namespace, and their values: of one moment, unless others write again and again. */
  async #page(prefix: string, after: string, limit: number): Promise<readonly Row[]> {
    let { rows, isOfOneMoment } = await this.#tryPage(prefix, after, limit);
    for (let tries = 1; !isOfOneMoment && tries < maxTries; tries++) {
      // oxlint-disable-next-line no-await-in-loop
      ({ rows, isOfOneMoment } = await this.#betweenCommits(() => {
        this.#forgetListsOfOthers();
        return this.#tryPage(prefix, after, limit);
      }));
    }
    return rows;
  }

  async #tryPage(prefix: string, after: string, limit: number): Promise<{ rows: Row[]; isOfOneMoment: boolean }> {
    const isQuiet = this.#isQuietSince();
    const isUnchanged = this.#isUnchangedSince();
    const list = await this.#lists.below(prefix.slice(0, prefix.indexOf("=") + 1));
    for (let count = limit; ;) {
      const keys = list.after(after, prefix, count);
      // oxlint-disable-next-line no-await-in-loop
      const values = keys.length === 0 ? [] : await this.read(keys);
      const rows = rowsOf(keys, values);
      const isOfOneMoment = isQuiet() && isUnchanged();
      if (isOfOneMoment) for (const [index, key] of keys.entries()) if (values[index] === undefined) list.delete(key);
      if (rows.length >= limit || keys.length < count) return { rows: rows.slice(0, limit), isOfOneMoment };
      // All of them again, to have them of one moment; and as many more as were not there, unless those are forgotten.
      if (!isOfOneMoment) count += keys.length - rows.length;
    }
  }

  #begin(commit: SealedCommit): Promise<boolean> {
    this.#commitsBegun++;
    const running = this.#make(commit);
    const end = (): boolean => this.#commitsRunning.delete(running);
    this.#commitsRunning.add(running);
    // Before anybody who waits for it goes on.
    running.then(end, end);
    return running;
  }

  async #make({ sealed, cleared, written }: SealedCommit): Promise<boolean> {
    try {
      const isMade = await this.#store.commit(sealed, this.#watch);
      // When asking fails, whoever tries again finds out. Others of the group may have been made, and are not to fail.
      if (!isMade && !(await this.#isKeyStored().catch(() => true))) throw keyIsGone();
      return isMade;
    } finally {
      // Also when nobody knows whether it was made: what is listed is read, and left out when it is not there.
      for (const prefix of cleared) this.#lists.forget(prefix);
      for (const [key, value] of written) if (value !== undefined) this.#lists.add(key);
    }
  }

  async #requireKey(): Promise<void> {
    if (!(await this.#isKeyStored())) throw keyIsGone();
  }

  /** Whether the key that was opened is the one that is stored. */
  async #isKeyStored(): Promise<boolean> {
    const [key, expected] = this.#place.mark;
    const [mark] = await this.#store.read([key]);
    return mark === expected;
  }

  async #seal({ expected, cleared, written }: Commit): Promise<SealedCommit> {
    const [sealedExpected, sealedCleared, sealedWritten] = await Promise.all([
      this.#sealAll(expected),
      Promise.all(cleared.map(async (prefix) => this.#paths.seal(prefix))),
      this.#sealAll(written),
    ]);
    const sealed = {
      expected: new Map([this.#place.mark, ...sealedExpected]),
      cleared: sealedCleared,
      written: new Map(sealedWritten),
    };
    return { sealed, cleared, written };
  }

  #sealAll(values: ReadonlyMap<string, string | undefined>): Promise<[key: string, value: string | undefined][]> {
    return Promise.all(
      Array.from(values, async ([key, text]): Promise<[string, string | undefined]> => {
        const sealed = text === undefined ? undefined : JSON.stringify(await this.#sealer.seal(key, text));
        return [await this.#paths.seal(key), sealed];
      }),
    );
  }

  async #open(key: string, stored: string | undefined): Promise<string | undefined> {
    if (stored === undefined) return undefined;
    const text = await this.#sealer.open(key, stored.slice(1, -1));
    if (text !== undefined && stored.startsWith('"') && stored.endsWith('"')) return text;
    throw new StorageError(
      `Cannot read "${splitKey(key)[1]}": what is stored there is damaged, or was not written with the key of this ` +
        "storage; restore a copy of the storage",
      { code: "damaged" },
    );
  }

  /** Forgets all names when somebody else may have changed what is there; also when that may be told too late. */
  #forgetListsOfOthers(): void {
    const changes = this.#store.changesOf(this.#watch);
    if (changes === this.#changesListed && this.guarantees.sharing !== "machines") return;
    this.#changesListed = changes;
    this.#lists.forget("");
  }

  /** Does `work` while no commit of this storage is under way; those to come wait for it. */
  async #betweenCommits<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = this.#handedOn;
    const working = (async () => {
      await before;
      await Promise.allSettled(this.#commitsRunning);
      return work();
    })();
    this.#handedOn = working.catch(() => undefined);
    return working;
  }

  /** Tells later whether no commit of this storage has been under way since. */
  #isQuietSince(): () => boolean {
    const begun = this.#commitsRunning.size === 0 ? this.#commitsBegun : undefined;
    return () => this.#commitsBegun === begun;
  }

  /** Tells later whether others have changed nothing since, as far as anybody can tell. */
  #isUnchangedSince(): () => boolean {
    const changes = this.#store.changesOf(this.#watch);
    const canTell = this.#store.changesOf(this.#watch) === changes;
    return () => !canTell || this.#store.changesOf(this.#watch) === changes;
  }
}

function keyIsGone(): StorageError {
  return new StorageError(
    "Cannot use the encrypted storage: somebody has cleared the storage that it is in, and its key with it; " +
      "open it again",
    { code: "wrong-key" },
  );
}

/** The path one step below `prefix` that leads to `after`, if it does. */
function stepTowards(prefix: string, after: string): string | undefined {
  if (!after.startsWith(prefix)) return undefined;
  if (after[prefix.length] === "=") return `${prefix}=`;
  const end = after.indexOf("/", prefix.length);
  return end < 0 ? undefined : after.slice(0, end + 1);
}
