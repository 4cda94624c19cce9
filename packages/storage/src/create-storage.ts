import { Changes } from "./changes.js";
import { encode } from "./codec.js";
import type { StorageEngine } from "./engine.js";
import { fullKey, namespacePrefix } from "./full-key.js";
import { OpenEngine } from "./open-engine.js";
import { Reader } from "./reader.js";
import { StorageError } from "./storage-error.js";
import type { Storage, StorageValue, Transaction } from "./storage.js";

/** How often a change is computed anew because others were faster: each time somebody else's commit has succeeded. */
const maxAttempts = 1000;

/** Makes a storage of an engine, and owns it: closing the storage closes the engine. */
export function createStorage(engine: StorageEngine): Storage {
  return new EngineStorage(new OpenEngine(engine), "");
}

class EngineStorage extends Reader implements Storage {
  readonly #engine: OpenEngine;
  readonly #prefix: string;

  constructor(engine: OpenEngine, prefix: string) {
    super(engine, prefix);
    this.#engine = engine;
    this.#prefix = prefix;
  }

  async set(key: string, value: StorageValue): Promise<void> {
    const written = new Map([[fullKey(this.#prefix, key), encode(value)]]);
    await this.#engine.commit({ expected: new Map(), cleared: [], written });
  }

  async delete(key: string): Promise<boolean> {
    const full = fullKey(this.#prefix, key);
    return this.#engine.run("write to the storage", (engine) =>
      untilCommitted(async () => {
        const [stored] = await engine.read([full]);
        if (stored === undefined) return { result: false };
        const expected = new Map([[full, stored]]);
        const written = new Map([[full, undefined]]);
        return (await engine.commit({ expected, cleared: [], written })) ? { result: true } : undefined;
      }),
    );
  }

  async clear(): Promise<void> {
    await this.#engine.commit({ expected: new Map(), cleared: [this.#prefix], written: new Map() });
  }

  transaction<Result>(change: (transaction: Transaction) => Result | Promise<Result>): Promise<Result> {
    return untilCommitted(async () => {
      this.#engine.requireOpen("begin a transaction in the storage");
      const changes = new Changes(this.#engine);
      let result: Result;
      try {
        result = await change(new EngineTransaction(changes, this.#prefix));
      } catch (error) {
        // What it stumbled over may be two values of different moments; then it deserves another try.
        if (await changes.areReadsCurrent().catch(() => true)) throw error;
        return undefined;
      } finally {
        changes.end();
      }
      return (await changes.commit()) ? { result } : undefined;
    });
  }

  namespace(name: string): Storage {
    return new EngineStorage(this.#engine, namespacePrefix(this.#prefix, name));
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

class EngineTransaction extends Reader implements Transaction {
  readonly #changes: Changes;
  readonly #prefix: string;

  constructor(changes: Changes, prefix: string) {
    super(changes, prefix);
    this.#changes = changes;
    this.#prefix = prefix;
  }

  set(key: string, value: StorageValue): void {
    this.#changes.write(fullKey(this.#prefix, key), encode(value));
  }

  delete(key: string): void {
    this.#changes.write(fullKey(this.#prefix, key), undefined);
  }

  clear(): void {
    this.#changes.clear(this.#prefix);
  }

  namespace(name: string): Transaction {
    return new EngineTransaction(this.#changes, namespacePrefix(this.#prefix, name));
  }
}

/** Makes attempts until one commits: a result that is `undefined` is a conflict. */
async function untilCommitted<Result>(attempt: () => Promise<{ result: Result } | undefined>): Promise<Result> {
  for (let attempts = 0; attempts < maxAttempts; attempts++) {
    const committed = await attempt();
    if (committed !== undefined) return committed.result;
  }
  throw new StorageError(
    `Cannot write to the storage: in ${maxAttempts} attempts, others were faster; make the transaction shorter`,
  );
}
