import type { Env } from "./env.js";
import { type StopSignal, untilAborted } from "./signals.js";

/** The longest delay that a timer of the runtime can have: a longer one fires at once. */
export const maxDelayMs: number = 2 ** 31 - 1;

/** Resolves after `delayMs`; rejects with the signal's reason when that is aborted first, if there is one. */
export async function wait(env: Env, delayMs: number, signal?: StopSignal): Promise<void> {
  let timer: unknown;
  const over = new Promise<void>((resolve) => {
    timer = env.setTimeout(resolve, Math.min(delayMs, maxDelayMs));
  });
  try {
    await untilAborted(over, signal);
  } finally {
    env.clearTimeout(timer);
  }
}
