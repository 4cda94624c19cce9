/** The timers of the runtime, in one place, so that a test can own them. */
export const timers = {
  setTimeout: (callback: () => void, delayMs: number): NodeJS.Timeout => setTimeout(callback, delayMs),
  clearTimeout: (timer: NodeJS.Timeout): void => clearTimeout(timer),
};

/** The clock of the runtime, in the same place. */
export const clock = { now: (): number => Date.now() };
