/** How groups are made of what callers want to be written. */
interface GroupMaker<Write> {
  /** Is told when the first group after a rest is about to be made. */
  begin(): void;
  /** How many of `waiting`, which are at least one, go together: the first so many. */
  sizeOfGroup(waiting: readonly { readonly write: Write }[]): number;
  /** Makes a group; resolves with the answer for each. */
  make(group: readonly Write[]): Promise<readonly boolean[]>;
  /** Is told when the last group before a rest was made. */
  end(): void;
}

interface Waiting<Write> {
  readonly write: Write;
  readonly resolve: (answer: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Puts together what is to be written at one moment, and what comes while something else is being written, so that it
 * shares a round trip, or an `fsync`. One group at a time: nothing overtakes anything else.
 */
export class GroupCommit<Write> {
  readonly #maker: GroupMaker<Write>;
  #waiting: Waiting<Write>[] = [];
  #isMaking = false;

  constructor(maker: GroupMaker<Write>) {
    this.#maker = maker;
  }

  add(write: Write): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject });
      if (this.#isMaking) return;
      this.#isMaking = true;
      this.#maker.begin();
      // By then, all of this moment are there.
      queueMicrotask(() => void this.#makeAll());
    });
  }

  async #makeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const size = this.#maker.sizeOfGroup(this.#waiting);
      const group = this.#waiting.slice(0, size);
      this.#waiting = this.#waiting.slice(size);
      // oxlint-disable-next-line no-await-in-loop
      await this.#make(group);
    }
    this.#isMaking = false;
    this.#maker.end();
  }

  async #make(group: readonly Waiting<Write>[]): Promise<void> {
    try {
      const answers = await this.#maker.make(group.map(({ write }) => write));
      for (const [index, { resolve }] of group.entries()) resolve(answers[index] === true);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
