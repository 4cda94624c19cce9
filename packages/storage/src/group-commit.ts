import type { Commit, StorageEngine } from "./engine.js";

/** More at once would keep a backend busy for long with one call. */
const maxCommits = 1000;

interface WaitingCommit {
  readonly commit: Commit;
  readonly resolve: (isMade: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Hands the commits of one moment to the engine together, so that they share a round trip, or an `fsync`. */
export class GroupCommit {
  readonly #engine: StorageEngine;
  #waiting: WaitingCommit[] = [];

  constructor(engine: StorageEngine) {
    this.#engine = engine;
  }

  commit(commit: Commit): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) queueMicrotask(() => this.#flush());
      this.#waiting.push({ commit, resolve, reject });
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let start = 0; start < waiting.length; start += maxCommits) {
      void this.#make(waiting.slice(start, start + maxCommits));
    }
  }

  async #make(group: readonly WaitingCommit[]): Promise<void> {
    try {
      const areMade = await this.#engine.commit(group.map(({ commit }) => commit));
      for (const [index, { resolve }] of group.entries()) resolve(areMade[index] === true);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
