/**
 * All that a homeserver takes from the world besides its sockets. A test that needs the same run twice, or a simulation that owns
 * time, passes its own.
 */
export interface Env {
  /** The time, in milliseconds since 1970. */
  now(): number;
  /** Calls `callback` once, after `delayMs`. The function that it returns cancels the call. */
  startTimer(callback: () => void, delayMs: number): () => void;
  /** A number from 0 up to, and not including, 1. Every ID and token is made of these. */
  random(): number;
}

// A longer one would fire at once.
const MAX_DELAY_MS = 2_147_483_647;

/** The machine's own clock, timers and randomness. */
export const systemEnv: Env = {
  now: () => Date.now(),
  startTimer(callback, delayMs) {
    const timer = setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
