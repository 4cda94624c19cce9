import { clock } from "../env.js";

/** How many commits all storages of this process have made, in whichever databases, by whichever copy of this module. */
const commitsOfProcess = sharedCounter("@mx/storage: commits of SQLite");

function sharedCounter(name: string): { count: number } {
  const found: { count: number } | undefined = Reflect.get(globalThis, Symbol.for(name));
  const counter = found ?? { count: 0 };
  Reflect.set(globalThis, Symbol.for(name), counter);
  return counter;
}

const nothing: readonly string[] = [];

/**
 * Tells whether anybody else may have changed the database. SQLite is asked once in a turn of the event loop: what this
 * process is told by others, it is told in a later turn. It is asked again when another storage of this process has
 * committed, and after a millisecond, because a turn can be long, and may wait for another process without ending.
 */
export class ChangesOfOthers {
  readonly #readVersion: () => unknown;
  #version: unknown;
  #ownCommits = 0;
  #isTurnOfAnswer = false;
  #answeredAtMs = 0;
  #commitsOfOthersAtAnswer = 0;

  /** `readVersion` gives what changes with each commit of another connection. */
  constructor(readVersion: () => unknown) {
    this.#readVersion = readVersion;
  }

  /** To be called for each commit of this storage. */
  noteOwnCommit(): void {
    this.#ownCommits++;
    commitsOfProcess.count++;
  }

  /** The first answer, and that after a failure, is that everything may have changed. */
  take(): readonly string[] | "all" {
    const commitsOfOthers = commitsOfProcess.count - this.#ownCommits;
    const nowMs = clock.now();
    if (
      this.#isTurnOfAnswer &&
      commitsOfOthers === this.#commitsOfOthersAtAnswer &&
      // Not "later": the clock may be set back.
      nowMs === this.#answeredAtMs
    ) {
      return nothing;
    }
    const version = this.#tryReadVersion();
    if (version === undefined) return "all";
    this.#commitsOfOthersAtAnswer = commitsOfOthers;
    this.#answeredAtMs = nowMs;
    this.#noteTurn();
    if (version === this.#version) return nothing;
    this.#version = version;
    return "all";
  }

  #tryReadVersion(): unknown {
    try {
      return this.#readVersion();
    } catch {
      // Whoever reads the value from the database gets the error.
      return undefined;
    }
  }

  /**
   * Until everything that the present callback has brought about is done. Not until `setImmediate`: before it, there may
   * come the callback of a message that was sent after SQLite was asked, and it tells of a commit.
   */
  #noteTurn(): void {
    if (this.#isTurnOfAnswer) return;
    this.#isTurnOfAnswer = true;
    process.nextTick(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#isTurnOfAnswer = false;
  };
}
