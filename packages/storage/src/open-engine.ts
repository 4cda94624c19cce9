import type { Commit, StorageEngine } from "./engine.js";
import { problemOf } from "./problem.js";
import { StorageError } from "./storage-error.js";

/** How many rows a listing asks the engine for at a time. */
const rowsPerScan = 100;

/** Encoded values by full key: what the storage and its transactions read from. */
export interface Rows {
  /** The encoded values of `keys`, in their order, read at one moment. */
  read(keys: readonly string[]): Promise<(string | undefined)[]>;
  /** All rows whose keys start with `prefix`, in order. */
  list(prefix: string): AsyncIterable<readonly [key: string, value: string]>;
}

/** An engine until it is closed: it is closed once, after the calls in flight, and every later call rejects. */
export class OpenEngine implements Rows {
  readonly #engine: StorageEngine;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(engine: StorageEngine) {
    this.#engine = engine;
  }

  read(keys: readonly string[]): Promise<(string | undefined)[]> {
    return this.run("read from the storage", (engine) => engine.read(keys));
  }

  async *list(prefix: string): AsyncGenerator<readonly [key: string, value: string], void> {
    let after = "";
    for (;;) {
      const from = after;
      const rows = await this.run("read from the storage", (engine) => engine.scan(prefix, from, rowsPerScan));
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < rowsPerScan) return;
      [after] = last;
    }
  }

  commit(commit: Commit): Promise<boolean> {
    return this.run("write to the storage", (engine) => engine.commit(commit));
  }

  /** Throws after `close`. */
  requireOpen(attempt: string): void {
    if (this.#closing !== undefined) throw new StorageError(`Cannot ${attempt}: it is closed; open it again to go on`);
  }

  /** Does `work`; `close` waits for it. Whatever the engine throws becomes a `StorageError`. */
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

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#running);
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
