import type { AbortSignalLike } from "./abort-signal.js";

/**
 * Who wants to know of which signal. A signal gets one "abort" listener for all of them, and loses it with the last: Node warns of
 * a leak from the eleventh on, and one signal for the whole of an application is the normal case.
 */
export class AbortListeners {
  readonly #callbacks = new Map<unknown, Set<() => void>>();
  // Adding the same function again adds nothing.
  readonly #listener = ({ target }: { readonly target: unknown }): void => {
    this.#callbacks.get(target)?.forEach((callback) => callback());
  };

  /** Calls `callback` when `signal` aborts. Returns what takes that back. */
  add(signal: AbortSignalLike, callback: () => void): () => void {
    signal.addEventListener("abort", this.#listener);
    const callbacks = this.#callbacks.get(signal) ?? new Set();
    this.#callbacks.set(signal, callbacks.add(callback));
    return () => {
      callbacks.delete(callback);
      if (callbacks.size === 0) {
        signal.removeEventListener("abort", this.#listener);
        this.#callbacks.delete(signal);
      }
    };
  }
}
