/**
 * The order of everything that happens on the homeserver. Whatever a sync can tell has a position in it, and every token that a
 * client holds is a position: all at or before it is known to the client, all after it is not.
 */
export class Stream {
  #position = 0;
  readonly #waiting = new Set<() => void>();

  /** The position of the latest change. */
  get position(): number {
    return this.#position;
  }

  /** Takes the next position for a change, lets `change` be made there, and wakes all who wait. */
  append<Result>(change: (position: number) => Result): Result {
    const result = change(++this.#position);
    for (const wake of this.#waiting) wake();
    return result;
  }

  /** Resolves with true at the next change, or with false when `signal` is aborted before. */
  changed(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (changed: boolean): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", abort);
        resolve(changed);
      };
      const wake = (): void => end(true);
      const abort = (): void => end(false);
      this.#waiting.add(wake);
      signal.addEventListener("abort", abort);
    });
  }
}

/** The token of a position. */
export function tokenOf(position: number): string {
  return `s${position}`;
}

/** The position of a token, or `undefined` for what is no token of ours. */
export function positionOf(token: string): number | undefined {
  return /^s\d{1,15}$/.test(token) ? Number(token.slice(1)) : undefined;
}
