import { Changes } from "./changes.js";
import { encode } from "./codec.js";
import type { StorageEngine, StorageGuarantees } from "./engine.js";
import { fullKey, namespacePrefix } from "./full-key.js";
import { Leases } from "./leases.js";
import { Reader } from "./reader.js";
import type { Lease, LeaseOptions, Storage, StorageValue, Transaction, TransactionOptions } from "./storage.js";
import { OutsideRows, Store, type StoreOptions } from "./store.js";

/** Makes a storage of an engine, and owns it: closing the storage closes the engine. */
export function createStorage(engine: StorageEngine, options: StoreOptions = {}): Storage {
  const store = new Store(engine, options);
  return new EngineStorage(store, new Leases(store), "");
}

/** Where a storage keeps what it holds, for what is built on it; `undefined` when `createStorage` has not made it. */
export function findPlaceOf(storage: Storage): { readonly store: Store; readonly prefix: string } | undefined {
  return storage instanceof EngineStorage ? EngineStorage.placeOf(storage) : undefined;
}

/** The same; throws for any other. */
export function placeOf(storage: Storage): { readonly store: Store; readonly prefix: string } {
  const place = findPlaceOf(storage);
  if (place !== undefined) return place;
  throw new TypeError("Cannot use what was given as a storage: no function of @mx/storage has made it");
}

class EngineStorage extends Reader implements Storage {
  readonly #store: Store;
  readonly #leases: Leases;
  readonly #prefix: string;

  constructor(store: Store, leases: Leases, prefix: string) {
    super(new OutsideRows(store), prefix);
    this.#store = store;
    this.#leases = leases;
    this.#prefix = prefix;
    // Not to be assigned to: a Keyv that is given a storage for its store does, and would clear all that is here.
    Object.defineProperty(this, "namespace", { value: this.namespace.bind(this), configurable: true });
  }

  static placeOf(storage: EngineStorage): { readonly store: Store; readonly prefix: string } {
    return { store: storage.#store, prefix: storage.#prefix };
  }

  get guarantees(): StorageGuarantees {
    return this.#store.guarantees;
  }

  async set(key: string, value: StorageValue): Promise<void> {
    this.#store.requireOutside("write to the storage");
    const written = new Map([[fullKey(this.#prefix, key), encode(value, this.#prefix)]]);
    await this.#store.commit({ expected: new Map(), cleared: [], written });
  }

  async delete(key: string): Promise<boolean> {
    this.#store.requireOutside("write to the storage");
    return this.#store.delete(fullKey(this.#prefix, key));
  }

  async clear(): Promise<void> {
    this.#store.requireOutside("write to the storage");
    await this.#store.commit({ expected: new Map(), cleared: [this.#prefix], written: new Map() });
  }

  async transaction<Result>(
    change: (transaction: Transaction) => Result | Promise<Result>,
    { lease }: TransactionOptions = {},
  ): Promise<Result> {
    this.#store.requireOutside("begin a transaction in the storage");
    return this.#store.turns.untilCommitted(async () => {
      this.#store.requireOpen("begin a transaction in the storage");
      const changes = new Changes(this.#store);
      if (lease !== undefined) changes.expect(...this.#leases.expectation(lease));
      const attempt = await this.#attempt(changes, change);
      // A lease that was lost is no reason to try again.
      if (attempt === undefined && lease !== undefined) await this.#leases.requireHeld(lease);
      return attempt;
    });
  }

  namespace(name: string): Storage {
    return new EngineStorage(this.#store, this.#leases, namespacePrefix(this.#prefix, name));
  }

  async lease(name: string, options: LeaseOptions = {}): Promise<Lease> {
    this.#store.requireOutside("take a lease of the storage");
    return this.#leases.take(this.#prefix, name, options);
  }

  close(): Promise<void> {
    return this.#store.close((commit) => this.#leases.releaseAll(commit));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs `change` once; `undefined` when what it has read is not what is stored any more. */
  async #attempt<Result>(
    changes: Changes,
    change: (transaction: Transaction) => Result | Promise<Result>,
  ): Promise<{ result: Result } | undefined> {
    let result: Result;
    try {
      const transaction = new EngineTransaction(this.#store, changes, this.#prefix);
      result = await this.#store.inside.run(() => change(transaction));
    } catch (error) {
      // What it stumbled over may be two values of different moments; then it deserves another try. Where nobody can tell,
      // the storage has failed, and not the function.
      if (await changes.areReadsCurrent()) throw error;
      return undefined;
    } finally {
      changes.end();
    }
    return (await changes.commit()) ? { result } : undefined;
  }
}

class EngineTransaction extends Reader implements Transaction {
  readonly #store: Store;
  readonly #changes: Changes;
  readonly #prefix: string;

  constructor(store: Store, changes: Changes, prefix: string) {
    super(changes, prefix);
    this.#store = store;
    this.#changes = changes;
    this.#prefix = prefix;
  }

  override get(key: string): Promise<StorageValue | undefined>;
  override get<Fallback>(key: string, fallback: Fallback): Promise<StorageValue | Fallback>;
  override get<Fallback>(key: string, fallback?: Fallback): Promise<StorageValue | Fallback | undefined> {
    return this.#store.inside.settle(super.get(key, fallback));
  }

  override getMany(keys: readonly string[]): Promise<(StorageValue | undefined)[]> {
    return this.#store.inside.settle(super.getMany(keys));
  }

  override has(key: string): Promise<boolean> {
    return this.#store.inside.settle(super.has(key));
  }

  override entries(prefix?: string): AsyncIterableIterator<[key: string, value: StorageValue], void, void> {
    return this.#store.inside.iterate(super.entries(prefix));
  }

  override namespaces(): AsyncIterableIterator<string, void, void> {
    return this.#store.inside.iterate(super.namespaces());
  }

  set(key: string, value: StorageValue): void {
    this.#changes.write(fullKey(this.#prefix, key), encode(value, this.#prefix));
  }

  delete(key: string): void {
    this.#changes.write(fullKey(this.#prefix, key), undefined);
  }

  clear(): void {
    this.#changes.clear(this.#prefix);
  }

  namespace(name: string): Transaction {
    return new EngineTransaction(this.#store, this.#changes, namespacePrefix(this.#prefix, name));
  }
}
