/*
 * The order of things in a file:
 *
 * 1. One thing at a time is done to the file: a group of commits is written, or the file is replaced. Commits that
 *    arrive meanwhile wait, and are the next group.
 * 2. A group is one line. It is in the file, and with durability `power-loss` on the disk, before the table shows any of
 *    it, and before anybody is told.
 * 3. When that fails, the line is cut off. When that fails as well, nobody knows what the file ends with: it is replaced,
 *    with what the table shows, before anything else is written.
 * 4. The file is replaced by one that was complete on the disk before it got the name: see `replacement.ts`.
 */
import type { Commit, StorageEngine, StorageGuarantees } from "../engine.js";
import { Compaction } from "./compaction.js";
import type { Disk } from "./disk.js";
import { Draft } from "./draft.js";
import { fileProblemOf } from "./file-problem.js";
import { changesOf } from "./line.js";
import { Log } from "./log.js";
import { isQuestion } from "../is-question.js";
import { MaybeReplacedError } from "./replacement.js";
import { StorageError } from "../storage-error.js";
import type { Table } from "../table.js";

/** Where a storage is, and how it is written. */
export interface FileSettings {
  readonly disk: Disk;
  readonly path: string;
  /** Where a new file is until it takes the place of the old one. */
  readonly replacementPath: string;
  readonly durability: "power-loss" | "process";
  /** How much a file may grow, besides to twice what it was when it was written anew, before that is done again. */
  readonly compactionFloor: number;
}

/** What a file holds. */
export interface OpenedFile {
  readonly log: Log;
  readonly table: Table;
  /** How much of it was there when it was written anew. */
  readonly snapshotLength: number;
}

interface WaitingCommits {
  readonly commits: readonly Commit[];
  readonly resolve: (areMade: readonly boolean[]) => void;
  readonly reject: (error: StorageError) => void;
}

/** Holds all values in memory, and writes what changes at the end of the file. */
export class FileEngine implements StorageEngine {
  readonly guarantees: StorageGuarantees;
  readonly #settings: FileSettings;
  readonly #unlock: () => Promise<void>;
  /** What was acknowledged. */
  readonly #table: Table;
  #log: Log;
  /** Whether what the file ends with, and which file has the name, is known. */
  #isLogSound = true;
  #compaction: Compaction | undefined;
  #isCopied = false;
  /** The length at which the file is written anew. */
  #compactAt: number;
  #waiting: WaitingCommits[] = [];
  #working: Promise<void> | undefined;
  #isWorking = false;
  #isClosed = false;

  constructor(settings: FileSettings, { log, table, snapshotLength }: OpenedFile, unlock: () => Promise<void>) {
    this.guarantees = { durability: settings.durability, sharing: "nobody" };
    this.#settings = settings;
    this.#log = log;
    this.#table = table;
    this.#compactAt = 2 * snapshotLength + settings.compactionFloor;
    this.#unlock = unlock;
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    return this.#table.read(keys);
  }

  async scan(prefix: string, after: string, limit: number): Promise<(readonly [key: string, value: string])[]> {
    return this.#table.scan(prefix, after, limit);
  }

  commit(commits: readonly Commit[]): Promise<readonly boolean[]> {
    if (commits.every(isQuestion)) return Promise.resolve(commits.map((commit) => this.#table.apply(commit)));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commits, resolve, reject });
      this.#work();
    });
  }

  takeChanges(): readonly string[] {
    return [];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    try {
      await this.#working;
      await this.#compaction?.abandon();
      await this.#log.file.close();
    } finally {
      await this.#unlock();
    }
  }

  /** Does what there is to do to the file, unless that is being done. */
  #work(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#working = this.#workOff();
  }

  async #workOff(): Promise<void> {
    while (this.#waiting.length > 0 || this.#isCopied) {
      // When it fails, the old file is good enough, and grows until it is tried again.
      if (this.#isCopied) await this.#finishCompaction().catch(() => undefined);
      const group = this.#waiting;
      this.#waiting = [];
      if (group.length > 0) await this.#make(group);
    }
    this.#isWorking = false;
  }

  async #make(group: readonly WaitingCommits[]): Promise<void> {
    try {
      const draft = new Draft(this.#table);
      const areMade = group.map(({ commits }) => commits.map((commit) => draft.add(commit)));
      if (!this.#isLogSound) await this.#rewrite();
      const commit = draft.toCommit();
      const changes = isQuestion(commit) ? undefined : changesOf(commit, this.#isSynced);
      if (changes !== undefined) {
        const writing = this.#append(changes);
        // Waiting for what is done already would take as long as the writing.
        if (writing !== undefined) await writing;
        this.#table.apply(commit);
        this.#noteAppended(changes);
      }
      for (const [index, { resolve }] of group.entries()) resolve(areMade[index] ?? []);
    } catch (cause) {
      const error = cause instanceof StorageError ? cause : this.#failure(cause, "nothing was changed");
      for (const { reject } of group) reject(error);
    }
  }

  /** Writes a line, or nothing; returns nothing when that is done already. */
  #append(changes: string): Promise<void> | undefined {
    try {
      return this.#log.append(changes)?.catch((cause: unknown) => this.#cutBack(cause));
    } catch (cause) {
      return this.#cutBack(cause);
    }
  }

  /** Undoes what `cause` has left of a line; rejects in any case. */
  async #cutBack(cause: unknown): Promise<never> {
    try {
      await this.#log.cutBack();
    } catch {
      this.#isLogSound = false;
      throw this.#failure(cause, "it may be written all the same");
    }
    throw cause;
  }

  #noteAppended(changes: string): void {
    this.#compaction?.add(changes);
    if (this.#log.length > this.#compactAt) this.#compaction ??= this.#beginCompaction();
  }

  #failure(cause: unknown, outcome: string): StorageError {
    return new StorageError(`Cannot write "${this.#settings.path}": ${fileProblemOf(cause)}; ${outcome}`, { cause });
  }

  async #rewrite(): Promise<void> {
    this.#compaction ??= this.#beginCompaction();
    await this.#finishCompaction();
  }

  #beginCompaction(): Compaction {
    const { disk, path, replacementPath } = this.#settings;
    const compaction = new Compaction(disk, path, replacementPath, this.#table);
    const finish = (): void => {
      // Unless it was finished or abandoned meanwhile.
      if (this.#compaction !== compaction || this.#isClosed) return;
      this.#isCopied = true;
      this.#work();
    };
    compaction.copied.then(finish, finish);
    return compaction;
  }

  async #finishCompaction(): Promise<void> {
    const compaction = this.#compaction;
    this.#compaction = undefined;
    this.#isCopied = false;
    if (compaction === undefined) return;
    try {
      const { file, length, lines } = await compaction.finish();
      await this.#log.file.close().catch(() => undefined);
      this.#log = new Log(file, length, lines, this.#isSynced);
      this.#isLogSound = true;
      this.#compactAt = 2 * length + this.#settings.compactionFloor;
    } catch (error) {
      if (error instanceof MaybeReplacedError) this.#isLogSound = false;
      this.#compactAt = 1.25 * this.#log.length + this.#settings.compactionFloor;
      await compaction.abandon();
      throw error;
    }
  }

  get #isSynced(): boolean {
    return this.#settings.durability === "power-loss";
  }
}
