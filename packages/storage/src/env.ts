import type { webcrypto } from "node:crypto";

/** The timers of the runtime, in one place, so that a test can own them. */
export const timers = {
  setTimeout: (callback: () => void, delayMs: number): NodeJS.Timeout => setTimeout(callback, delayMs),
  clearTimeout: (timer: NodeJS.Timeout): void => clearTimeout(timer),
  /** Lets the process end before the timer fires. In a browser, where a timer is a number, nothing waits for it. */
  unref: (timer: NodeJS.Timeout): void => {
    if (typeof timer === "object") timer.unref();
  },
};

/** The clocks of the runtime, in the same place. */
export const clock = {
  now: (): number => Date.now(),
  /** Milliseconds since some moment; nobody sets this one back or forward. */
  monotonicMs: (): number => performance.now(),
};

/** The chance of the runtime, in the same place. */
export const chance = {
  /** From 0 up to 1. */
  number: (): number => Math.random(),
  /** A name that nobody else chooses. */
  name: (): string => crypto.randomUUID(),
};

export type NodeCryptography = typeof import("node:crypto");

/** The cryptography of the runtime, in the same place. */
export const cryptography = {
  /** Whether there is any: a page has it only when it has come over HTTPS, or from this machine. */
  isThere: (): boolean => typeof crypto === "object" && "subtle" in crypto,
  /** That of the web. */
  get subtle(): webcrypto.SubtleCrypto {
    return crypto.subtle;
  },
  /** Node's own, where there is one. */
  node: (): NodeCryptography | undefined =>
    typeof process === "object" && typeof process.getBuiltinModule === "function"
      ? process.getBuiltinModule("node:crypto")
      : undefined,
  randomBytes: (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length)),
};

/** Where the runtime shows what its user should know, in the same place. */
export const warnings = {
  show: (warning: Error): void => {
    if (typeof process === "object" && typeof process.emitWarning === "function") process.emitWarning(warning);
    // oxlint-disable-next-line no-console
    else console.warn(warning);
  },
};
