import { chance } from "./env.js";
import { sleep } from "./sleep.js";
import { StorageError } from "./storage-error.js";

/** How often a change is computed anew because others were faster: each time somebody else's commit has succeeded. */
export const maxAttempts = 1000;

/** How long a change waits for those of this process that have lost before it, at most. */
const maxTurnMs = 100;

/** How long it waits after that for those of other processes, at most. */
const maxPauseMs = 20;

/**
 * Makes attempts until one commits. Those that have lost once take turns, so that many at once do not make each other
 * lose again and again. It is a courtesy and no lock: whoever waits too long goes on, and cannot hang.
 */
export class CommitTurns {
  #last: Promise<void> = Promise.resolve();

  /** `attempt` resolves with `undefined` when it has lost to somebody else's commit. */
  async untilCommitted<Result>(attempt: Attempt<Result>): Promise<Result> {
    const first = await attempt();
    if (first !== undefined) return first.result;
    const committed = within(this.#last, maxTurnMs).then(() => tryAgain(attempt));
    this.#last = committed.then(
      () => undefined,
      () => undefined,
    );
    return committed;
  }
}

type Attempt<Result> = () => Promise<{ result: Result } | undefined>;

async function tryAgain<Result>(attempt: Attempt<Result>): Promise<Result> {
  for (let attempts = 1; attempts < maxAttempts; attempts++) {
    const committed = await attempt();
    if (committed !== undefined) return committed.result;
    await sleep(chance.number() * Math.min(attempts, maxPauseMs));
  }
  throw conflictError();
}

export function conflictError(): StorageError {
  return new StorageError(
    `Cannot write to the storage: in ${maxAttempts} attempts, others were faster; make the transaction shorter, ` +
      "and write nothing in it but through the transaction itself",
    { code: "conflict" },
  );
}

/** Resolves with `work`, or after `limitMs`. */
async function within(work: Promise<void>, limitMs: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([work, sleep(limitMs, over.signal)]);
  over.abort();
}
