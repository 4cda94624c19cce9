import type { StorageEngine } from "./engine.js";
import { problemOf } from "./problem.js";
import { StorageError } from "./storage-error.js";

/** An engine until it is closed: it is closed once, after the calls in flight, and every later call rejects. */
export class OpenEngine {
  readonly #engine: StorageEngine;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(engine: StorageEngine) {
    this.#engine = engine;
  }

  /** Throws after `close`. */
  requireOpen(attempt: string): void {
    if (this.#closing === undefined) return;
    throw new StorageError(`Cannot ${attempt}: it is closed; open it again to go on`, { code: "closed" });
  }

  /** Does `work`; `close` waits for it. Whatever it throws becomes a `StorageError`. */
  async run<Result>(attempt: string, work: (engine: StorageEngine) => Promise<Result>): Promise<Result> {
    this.requireOpen(attempt);
    // Inside a function of its own, so that an engine that throws at once is one that rejects.
    const running = (async () => work(this.#engine))();
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw asStorageError(attempt, error);
    } finally {
      this.#running.delete(running);
    }
  }

  /** Lets `lastly` do what the engine is needed for, after everything else and before it is closed. */
  close(lastly: () => Promise<void>): Promise<void> {
    this.#closing ??= this.#close(lastly);
    return this.#closing;
  }

  async #close(lastly: () => Promise<void>): Promise<void> {
    await Promise.allSettled(this.#running);
    await lastly();
    try {
      await this.#engine.close();
    } catch (error) {
      throw asStorageError("close the storage", error);
    }
  }
}

function asStorageError(attempt: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  return new StorageError(`Cannot ${attempt}: ${problemOf(error)}`, { cause: error });
}
