import type { Commit, StorageEngine } from "../engine.js";
import { toFileContent } from "./file-content.js";
import { fileProblemOf } from "./file-problem.js";
import { MaybeReplacedError, replaceFile } from "./replace-file.js";
import { StorageError } from "../storage-error.js";
import type { Table } from "../table.js";

interface WaitingCommit {
  readonly commit: Commit;
  readonly resolve: (committed: boolean) => void;
  readonly reject: (error: StorageError) => void;
}

/**
 * Holds everything in memory, and writes everything for each commit. Commits that arrive while the file is being
 * written wait, and are written together. Nobody sees a commit before it is in the file.
 */
export class FileEngine implements StorageEngine {
  readonly #path: string;
  /** Where a new content is written before it takes the place of the old one. */
  readonly #replacement: string;
  readonly #unlock: () => Promise<void>;
  /** What is in the file. */
  #table: Table;
  #waiting: WaitingCommit[] = [];
  #isWriting = false;

  constructor(path: string, replacement: string, table: Table, unlock: () => Promise<void>) {
    this.#path = path;
    this.#replacement = replacement;
    this.#table = table;
    this.#unlock = unlock;
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    return this.#table.read(keys);
  }

  async scan(prefix: string, after: string, limit: number): Promise<(readonly [key: string, value: string])[]> {
    return this.#table.scan(prefix, after, limit);
  }

  async commit(commit: Commit): Promise<boolean> {
    const changesNothing = commit.written.size === 0 && commit.cleared.length === 0;
    if (changesNothing) return this.#table.apply(commit);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, resolve, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  close(): Promise<void> {
    return this.#unlock();
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    // All commits of this tick are in the first group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      await this.#write(group);
    }
    this.#isWriting = false;
  }

  async #write(group: readonly WaitingCommit[]): Promise<void> {
    const next = this.#table.copy();
    const conflicting = group.filter(({ commit }) => !next.apply(commit));
    const applied = group.filter((waiting) => !conflicting.includes(waiting));
    try {
      if (applied.length > 0) await this.#replace(next);
      this.#table = next;
      for (const { resolve } of applied) resolve(true);
    } catch (cause) {
      const outcome = (await this.#isUnchanged(cause)) ? "nothing was changed" : "it may be written all the same";
      const error = new StorageError(`Cannot write "${this.#path}": ${fileProblemOf(cause)}; ${outcome}`, { cause });
      for (const { reject } of applied) reject(error);
    }
    // Only now: whoever computes its change anew shall see what it lost to.
    for (const { resolve } of conflicting) resolve(false);
  }

  /**
   * Sees to it that the next opening does not find what was refused: the file may have been replaced before the failure.
   * Whatever becomes of it, the next commit writes everything.
   */
  async #isUnchanged(failure: unknown): Promise<boolean> {
    if (!(failure instanceof MaybeReplacedError)) return true;
    return this.#replace(this.#table).then(
      () => true,
      () => false,
    );
  }

  #replace(table: Table): Promise<void> {
    return replaceFile(this.#path, this.#replacement, toFileContent(table));
  }
}
