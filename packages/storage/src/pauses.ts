import { clock } from "./env.js";
import { sleep } from "./sleep.js";

/** For how long nobody else has a turn, at the most. */
const maxBusyMs = 10;

/** Lets everybody else have a turn during a long piece of work: one that waits only for what is in memory gives none. */
export class Pauses {
  #since = clock.monotonicMs();

  /** To be called again and again. */
  async pauseWhenDue(): Promise<void> {
    if (clock.monotonicMs() - this.#since < maxBusyMs) return;
    await sleep(0);
    this.#since = clock.monotonicMs();
  }
}
