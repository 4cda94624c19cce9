import type { Commit } from "./engine.js";

/** More at once would keep a backend busy for long with one call. */
const maxCommits = 1000;

/** A commit, and who makes it, if that matters. */
export interface Write<By> {
  readonly commit: Commit;
  readonly by: By;
}

interface Waiting<By> extends Write<By> {
  readonly resolve: (isMade: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Puts the commits of one moment together, so that they share a round trip, or an `fsync`. */
export class GroupCommit<By> {
  readonly #make: (group: readonly Write<By>[]) => Promise<readonly boolean[]>;
  readonly #goOn: (work: () => Promise<void>) => Promise<void>;
  #waiting: Waiting<By>[] = [];

  /** `make` resolves with which of them were made; `goOn` does what is given to it, from the first commit to the last. */
  constructor(
    make: (group: readonly Write<By>[]) => Promise<readonly boolean[]>,
    goOn: (work: () => Promise<void>) => Promise<void>,
  ) {
    this.#make = make;
    this.#goOn = goOn;
  }

  commit(commit: Commit, by: By): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, by, resolve, reject });
      if (this.#waiting.length === 1) void this.#goOn(() => this.#makeAll());
    });
  }

  async #makeAll(): Promise<void> {
    // By then, all of this moment are there.
    await Promise.resolve();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let start = 0; start < waiting.length; start += maxCommits) {
      // One after the other, so that none overtakes another.
      // oxlint-disable-next-line no-await-in-loop
      await this.#makeGroup(waiting.slice(start, start + maxCommits));
    }
  }

  async #makeGroup(group: readonly Waiting<By>[]): Promise<void> {
    try {
      const areMade = await this.#make(group);
      for (const [index, { resolve }] of group.entries()) resolve(areMade[index] === true);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
