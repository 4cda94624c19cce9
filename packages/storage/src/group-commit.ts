import type { Commit } from "./engine.js";

/** More at once would keep a backend busy for long with one call, or be too long for one text. */
const maxCommits = 1000;
const maxCharacters = 16 * 1024 * 1024;

/** A commit, and who makes it, if that matters. */
export interface Write<By> {
  readonly commit: Commit;
  readonly by: By;
}

/** What becomes of groups of commits. */
interface GroupMaker<By> {
  /** Is told when the first of some groups is about to be made. */
  begin(): void;
  /** Makes a group; resolves with which of its commits were made. */
  make(group: readonly Write<By>[]): Promise<readonly boolean[]>;
  /** Is told when the last of them was. */
  end(): void;
}

interface Waiting<By> extends Write<By> {
  readonly resolve: (isMade: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Puts the commits of one moment together, and those that come while others are being made, so that they share a round
 * trip, or an `fsync`. One group at a time: no commit overtakes another.
 */
export class GroupCommit<By> {
  readonly #maker: GroupMaker<By>;
  #waiting: Waiting<By>[] = [];
  #isMaking = false;

  constructor(maker: GroupMaker<By>) {
    this.#maker = maker;
  }

  commit(commit: Commit, by: By): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, by, resolve, reject });
      if (this.#isMaking) return;
      this.#isMaking = true;
      this.#maker.begin();
      // By then, all of this moment are there.
      queueMicrotask(() => void this.#makeAll());
    });
  }

  async #makeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.slice(0, sizeOfGroup(this.#waiting));
      this.#waiting = this.#waiting.slice(group.length);
      try {
        // oxlint-disable-next-line no-await-in-loop
        const areMade = await this.#maker.make(group);
        for (let index = 0; index < group.length; index++) group[index]?.resolve(areMade[index] === true);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#isMaking = false;
    this.#maker.end();
  }
}

/** How many of `waiting` are made together: at least one. */
function sizeOfGroup(waiting: readonly Write<unknown>[]): number {
  let characters = 0;
  for (const [index, { commit }] of waiting.entries()) {
    for (const value of commit.written.values()) characters += value?.length ?? 0;
    if (index === maxCommits || (index > 0 && characters > maxCharacters)) return index;
  }
  return waiting.length;
}
