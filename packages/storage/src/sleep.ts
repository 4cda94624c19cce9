import { timers } from "./env.js";

/** Resolves after `delayMs`, or as soon as `signal` is aborted: the caller looks which. */
export function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return void resolve();
    const wake = (): void => {
      timers.clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = timers.setTimeout(wake, delayMs);
    signal?.addEventListener("abort", wake, { once: true });
  });
}
