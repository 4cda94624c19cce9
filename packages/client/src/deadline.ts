import type { Env } from "./env.js";
import { ConnectionError } from "./errors.js";
import { type JoinedSignal, joinSignals } from "./signals.js";
import { maxDelayMs } from "./wait.js";

/** Runs `work` with a signal that is aborted when time is up, with a `ConnectionError`, or with any of `signals`, with its reason. */
export async function withDeadline<Result>(
  limits: {
    readonly env: Env;
    /** What is tried, as an error says it after "Cannot". */
    readonly attempt: string;
    readonly timeoutMs: number;
    /** Whether something may have been done when time is up; `false` by default. */
    readonly hasEffect?: boolean;
    readonly signals: readonly (AbortSignal | undefined)[];
  },
  work: (limit: JoinedSignal) => Promise<Result>,
): Promise<Result> {
  const { env, attempt, timeoutMs, hasEffect = false, signals } = limits;
  const joined = joinSignals(...signals);
  const timeUp = (): void =>
    joined.abort(
      new ConnectionError(`Cannot ${attempt}: no whole answer within ${timeoutMs} ms`, { outcomeUnknown: hasEffect }),
    );
  const timer = env.setTimeout(timeUp, Math.min(timeoutMs, maxDelayMs));
  try {
    return await work(joined);
  } finally {
    env.clearTimeout(timer);
    joined.end();
  }
}
