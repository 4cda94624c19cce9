import type { Env } from "./env.js";
import { ConnectionError, MatrixError } from "./errors.js";

/** An answer of the homeserver, and when it was asked for it, in milliseconds since 1970. */
export interface Answer<Value> {
  readonly value: Value;
  readonly askedAt: number;
}

const dayMs = 24 * 60 * 60 * 1000;
/** How long an old answer does when there was no newer one. */
const pauseMs = 60_000;

/** A question whose answer changes rarely. It is asked when the answer is a day old, once for all who want to know it meanwhile. */
export class RareQuestion<Value> {
  #asking: Promise<Value> | undefined;
  #failedAt: number | undefined;

  /** Answers with what is known while that is fresh, and also when it is old but asking fails. */
  async answer(env: Env, known: Answer<Value> | undefined, ask: () => Promise<Value>): Promise<Value> {
    const now = env.now();
    if (known && (isWithin(dayMs, known.askedAt, now) || isWithin(pauseMs, this.#failedAt, now))) return known.value;
    this.#asking ??= ask().finally(() => {
      this.#asking = undefined;
    });
    try {
      return await this.#asking;
    } catch (error) {
      const isNoAnswer = error instanceof ConnectionError || error instanceof MatrixError;
      if (!known || !isNoAnswer) throw error;
      this.#failedAt = env.now();
      return known.value;
    }
  }
}

/** The clock may have been put back: what is in the future is not within any time. */
function isWithin(spanMs: number, since: number | undefined, now: number): boolean {
  return since !== undefined && now >= since && now - since < spanMs;
}
