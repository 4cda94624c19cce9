/*
 * Tells whether the code that runs at this moment is the function of a transaction: that it uses the storage itself
 * there is a mistake that is worth an error, and nobody else may get that error.
 *
 * 1. The function runs inside until its first `await`.
 * 2. When it awaits its transaction, what comes after the `await` is inside again: it runs in the reactions of that one
 *    promise, which are between `enter` and `leave` in the queue of microtasks, with nobody else's between them.
 * 3. After it has awaited anything else, it is not noticed: that would take `AsyncLocalStorage`, which browsers do not
 *    have, and which makes every promise of a program on Node 20 slower.
 */
export class Inside {
  #depth = 0;

  /** Whether a function is running inside. */
  get isInside(): boolean {
    return this.#depth > 0;
  }

  /** Runs `work` inside, up to its first `await`. */
  run<Result>(work: () => Result): Result {
    this.#depth++;
    try {
      return work();
    } finally {
      this.#depth--;
    }
  }

  /** Settles like `work`; whoever awaits it directly goes on inside. */
  settle<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      work.then(
        (result) => this.#around(() => resolve(result)),
        (error: unknown) => this.#around(() => reject(error)),
      );
    });
  }

  /** The rows of `rows`; the loop over them runs inside. */
  iterate<Row>(rows: AsyncIterator<Row, void, void>): AsyncIterableIterator<Row, void, void> {
    return {
      next: () => this.settle(rows.next()),
      return: async () => (await rows.return?.()) ?? { done: true, value: undefined },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #around(settle: () => void): void {
    queueMicrotask(() => void this.#depth++);
    settle();
    queueMicrotask(() => void this.#depth--);
  }
}
