import type { Env } from "../env.js";

/** A world in which every wait is over at once, and is written down. */
export interface HastyEnv {
  readonly env: Pick<Env, "setTimeout" | "clearTimeout">;
  readonly waits: number[];
  /** Ends the deadlines of the length that was given: they do not end by themselves. */
  readonly expire: () => void;
}

/** The default deadline of requests is left to the clock; no wait is as long. */
const defaultDeadlineMs = 60_000;

export function hastyEnv(deadlineMs?: number): HastyEnv {
  const waits: number[] = [];
  const deadlines = new Set<{ callback: () => void }>();
  return {
    waits,
    env: {
      setTimeout(callback, delayMs) {
        if (delayMs === defaultDeadlineMs) return setTimeout(callback, delayMs);
        if (delayMs === deadlineMs) {
          const deadline = { callback };
          deadlines.add(deadline);
          return deadline;
        }
        waits.push(delayMs);
        return setTimeout(callback, 0);
      },
      clearTimeout(timer) {
        if (!deadlines.delete(timer as { callback: () => void })) clearTimeout(timer as ReturnType<typeof setTimeout>);
      },
    },
    expire() {
      for (const { callback } of deadlines) callback();
    },
  };
}
