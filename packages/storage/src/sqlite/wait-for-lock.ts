import { chance, clock } from "../env.js";
import { sleep } from "../sleep.js";
import { isLocked } from "./sqlite-problem.js";

/** How long SQLite itself may wait for a lock, and so keep this process from anything else. */
export const attemptMs = 5;

/** The longest rest between two attempts. */
const maxRestMs = 20;

/**
 * Does `work`, again and again for `waitMs` while it meets the lock of another process; then it rejects with the error of
 * SQLite. `signal` ends the waiting, and `work` is not begun any more; its reason is what this rejects with.
 */
export async function waitForLock<Result>(work: () => Result, waitMs: number, signal?: AbortSignal): Promise<Result> {
  let deadline: number | undefined;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return work();
    } catch (error) {
      if (!isLocked(error)) throw error;
      deadline ??= clock.monotonicMs() + waitMs;
      if (clock.monotonicMs() >= deadline) throw error;
    }
    // At random, so that processes that wait for each other do not go on doing so in step.
    await sleep(1 + chance.number() * (maxRestMs - 1), signal);
  }
}
