/** What a client must not leave half done: closing begins none of it any more, and waits for what has begun. */
export class Unfinished {
  readonly #closing: AbortSignal;
  readonly #works = new Set<Promise<unknown>>();

  constructor(closing: AbortSignal) {
    this.#closing = closing;
  }

  /** Does some work that `settled` waits for; rejects when the client is being closed. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#closing.throwIfAborted();
    const running = work();
    this.#works.add(running);
    try {
      return await running;
    } finally {
      this.#works.delete(running);
    }
  }

  /** Resolves when all that has begun has ended, well or not. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#works);
  }
}
