import { timers } from "./env.js";

/** Resolves after `delayMs`, or as soon as `signal` is aborted: the caller looks which. */
export function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      timers.clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = timers.setTimeout(wake, delayMs);
    if (signal?.aborted === true) wake();
    else signal?.addEventListener("abort", wake, { once: true });
  });
}
