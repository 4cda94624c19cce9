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
  #pausedUntil = Number.NEGATIVE_INFINITY;

  /** Answers with what is known while that is fresh, and also when it is old but asking fails. */
  async answer(env: Env, known: Answer<Value> | undefined, ask: () => Promise<Value>): Promise<Value> {
    if (known && (isFresh(known, env) || env.monotonicMs() < this.#pausedUntil)) return known.value;
    this.#asking ??= ask().finally(() => {
      this.#asking = undefined;
    });
    try {
      return await this.#asking;
    } catch (error) {
      const isNoAnswer = error instanceof ConnectionError || error instanceof MatrixError;
      if (!known || !isNoAnswer) throw error;
      this.#pausedUntil = env.monotonicMs() + pauseMs;
      return known.value;
    }
  }
}

/** The clock may have been put back: an answer from the future is none. */
function isFresh({ askedAt }: Answer<unknown>, env: Env): boolean {
  const ageMs = env.now() - askedAt;
  return ageMs >= 0 && ageMs < dayMs;
}
