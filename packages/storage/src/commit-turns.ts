import { chance } from "./env.js";
import { sleep } from "./sleep.js";
import { StorageError } from "./storage-error.js";

/** How often a change is computed anew because others were faster: each time somebody else's commit has succeeded. */
const maxAttempts = 1000;

/** How long a change waits for those of this process that have lost before it, at most. */
const maxTurnMs = 100;

/** How long it waits after that for those of other processes, at most. */
const maxPauseMs = 20;

/**
 * Makes attempts until one commits. Those that have lost once take turns, so that a hundred at once take two hundred
 * attempts and not five thousand. It is a courtesy and no lock: whoever waits too long goes on, and cannot hang.
 */
export class CommitTurns {
  #last: Promise<void> = Promise.resolve();

  /** `attempt` resolves with `undefined` when it has lost to somebody else's commit. */
  async untilCommitted<Result>(attempt: () => Promise<{ result: Result } | undefined>): Promise<Result> {
    const first = await attempt();
    if (first !== undefined) return first.result;
    const before = this.#last;
    let end = (): void => {};
    this.#last = new Promise((resolve) => (end = resolve));
    await withinTurn(before);
    try {
      for (let attempts = 1; attempts < maxAttempts; attempts++) {
        const committed = await attempt();
        if (committed !== undefined) return committed.result;
        await sleep(chance.number() * Math.min(attempts, maxPauseMs));
      }
    } finally {
      end();
    }
    throw new StorageError(
      `Cannot write to the storage: in ${maxAttempts} attempts, others were faster; make the transaction shorter`,
      { code: "conflict" },
    );
  }
}

/** Resolves with `before`, or after `maxTurnMs`. */
async function withinTurn(before: Promise<void>): Promise<void> {
  const over = new AbortController();
  await Promise.race([before, sleep(maxTurnMs, over.signal)]);
  over.abort();
}
