import type { Env } from "../env.js";

/** A clock that stands still until it is told to go on, and randomness from a seed. */
export class SimulatedEnv implements Env {
  readonly #timers = new Map<() => void, number>();
  #now = 1_700_000_000_000;
  #seed = 42;

  now(): number {
    return this.#now;
  }

  startTimer(callback: () => void, delayMs: number): () => void {
    const timer = (): void => callback();
    this.#timers.set(timer, this.#now + delayMs);
    return () => {
      this.#timers.delete(timer);
    };
  }

  random(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed / 2_147_483_647;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const [timer, due] of this.#timers) {
      if (due <= this.#now && this.#timers.delete(timer)) timer();
    }
  }
}
