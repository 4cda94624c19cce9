import type { Env } from "./env.js";

/** The longest delay that a timer of the runtime can have: a longer one fires at once. */
const maxDelayMs = 2 ** 31 - 1;

/** Resolves after `delayMs`; rejects with the signal's reason when that is aborted first. */
export function wait(env: Env, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      env.clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = env.setTimeout(
      () => {
        signal.removeEventListener("abort", abort);
        resolve();
      },
      Math.min(delayMs, maxDelayMs),
    );
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  });
}
