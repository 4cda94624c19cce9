import type { Env } from "../env.js";

/** A world in which every wait is over soon, and is written down. */
export interface HastyEnv {
  readonly env: Pick<Env, "setTimeout" | "clearTimeout" | "randomBytes">;
  readonly waits: number[];
  /** Ends the deadlines of the length that was given. */
  readonly expire: () => void;
}

/** The deadlines of the client's own, of a refresh, of most requests, and of the first sync, are left to the clock. */
const realDeadlinesMs = new Set([30_000, 60_000, 300_000]);

export interface HastyEnvOptions {
  /** Deadlines of this length end when the test says so. */
  readonly deadlineMs?: number | undefined;
  /** What a longer wait is shortened to; 5 ms by default. */
  readonly longestWaitMs?: number;
}

export function hastyEnv({ deadlineMs, longestWaitMs = 5 }: HastyEnvOptions = {}): HastyEnv {
  const waits: number[] = [];
  const deadlines = new Set<{ callback: () => void }>();
  return {
    waits,
    env: {
      setTimeout(callback, delayMs) {
        if (realDeadlinesMs.has(delayMs)) return setTimeout(callback, delayMs);
        if (delayMs === deadlineMs) {
          const deadline = { callback };
          deadlines.add(deadline);
          return deadline;
        }
        waits.push(delayMs);
        // What happens to idle sockets meanwhile happens.
        return setTimeout(callback, Math.min(delayMs, longestWaitMs));
      },
      // Never zero: a wait as long as can be is as long as a deadline.
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)).map((byte) => byte | 1),
      clearTimeout(timer) {
        if (!deadlines.delete(timer as { callback: () => void })) clearTimeout(timer as ReturnType<typeof setTimeout>);
      },
    },
    expire() {
      for (const { callback } of deadlines) callback();
    },
  };
}
