/** What the runtime has and a simulation replaces. Both are called without a `this`, as those of a browser must be. */
export interface Timers {
  setTimeout(this: void, callback: () => void, delayMs: number): unknown;
  clearTimeout(this: void, timer: unknown): void;
}

declare function setTimeout(callback: () => void, delayMs: number): { unref?(): unknown };
declare function clearTimeout(timer: unknown): void;
declare const console: { error(...data: readonly unknown[]): void };

/** The timers of the runtime, such that none of them keeps a process alive. */
export const timers: Timers = {
  setTimeout(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    timer.unref?.();
    return timer;
  },
  clearTimeout(timer) {
    clearTimeout(timer);
  },
};

/** Writes to the console, for want of anybody else to tell. */
export function logError(...data: readonly unknown[]): void {
  // oxlint-disable-next-line no-console -- the application gave no handler, or its handler failed
  console.error(...data);
}
