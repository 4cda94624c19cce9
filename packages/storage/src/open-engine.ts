import type { StorageEngine } from "./engine.js";
import { problemOf } from "./problem.js";
import { StorageError } from "./storage-error.js";

/** An engine until it is closed: it is closed once, after the calls in flight, and every later call rejects. */
export class OpenEngine {
  readonly #engine: StorageEngine;
  #running = 0;
  #wakeWhenIdle = (): void => {};
  #closing: Promise<void> | undefined;

  constructor(engine: StorageEngine) {
    this.#engine = engine;
  }

  /** What every call rejects with after `close`; `undefined` before. */
  closedError(attempt: string): StorageError | undefined {
    if (this.#closing === undefined) return undefined;
    return new StorageError(`Cannot ${attempt}: it is closed; open it again to go on`, { code: "closed" });
  }

  /** Does `work`; `close` waits for it. Whatever it throws becomes a `StorageError`. */
  async run<Result>(attempt: string, work: (engine: StorageEngine) => Promise<Result>): Promise<Result> {
    const closed = this.closedError(attempt);
    if (closed !== undefined) throw closed;
    this.begin();
    try {
      return await work(this.#engine);
    } catch (error) {
      throw asStorageError(attempt, error);
    } finally {
      this.end();
    }
  }

  /** From here on, `close` waits for `end`. */
  begin(): void {
    this.#running++;
  }

  end(): void {
    this.#running--;
    if (this.#running === 0) this.#wakeWhenIdle();
  }

  /** Lets `lastly` do what the engine is needed for, after everything else and before it is closed. */
  close(lastly: () => Promise<void>): Promise<void> {
    // Before anything is done: what that brings about finds it closed.
    this.#closing ??= Promise.resolve().then(() => this.#close(lastly));
    return this.#closing;
  }

  async #close(lastly: () => Promise<void>): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#wakeWhenIdle = resolve));
    await lastly();
    try {
      await this.#engine.close();
    } catch (error) {
      throw asStorageError("close the storage", error);
    }
  }
}

/** What callers get of whatever an engine has thrown. */
export function asStorageError(attempt: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  return new StorageError(`Cannot ${attempt}: ${problemOf(error)}`, { cause: error });
}
