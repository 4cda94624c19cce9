/** What a storage keeps: any JSON value, and bytes, at the top or inside arrays and objects. */
export type StorageValue =
  null | boolean | number | string | Uint8Array | readonly StorageValue[] | { readonly [key: string]: StorageValue };

/** The reading half of a storage: what a transaction shares with it. */
export interface StorageReader {
  /** The value of `key`, or `undefined` when there is none. A failed read rejects; it never looks like "no value". */
  get(key: string): Promise<StorageValue | undefined>;
  /** The value of `key`, or `fallback` when there is none. */
  get<Fallback>(key: string, fallback: Fallback): Promise<StorageValue | Fallback>;
  /** The values of `keys`, in their order, read at one moment. */
  getMany(keys: readonly string[]): Promise<(StorageValue | undefined)[]>;
  /** Tells whether `key` has a value. */
  has(key: string): Promise<boolean>;
  /** The keys that start with `prefix` (all of them by default) and their values, in the order of their code points. */
  entries(prefix?: string): AsyncIterable<[key: string, value: StorageValue]>;
}

/** What a transaction reads and writes: its reads see its own writes, and nobody else sees them before it commits. */
export interface Transaction extends StorageReader {
  /** Gives `key` a value when the transaction commits. */
  set(key: string, value: StorageValue): void;
  /** Removes `key` when the transaction commits. */
  delete(key: string): void;
  /** Removes everything in this namespace, and in those inside it, when the transaction commits. */
  clear(): void;
  /** The same transaction, in a namespace of this one. */
  namespace(name: string): Transaction;
}

/**
 * Values by key, on whatever the application has. `memoryStorage`, `fileStorage`, `sqliteStorage` and `redisStorage`
 * make one; `toStorage` makes one of a `Map` or a `Keyv`, which promise less (see the table in the README).
 *
 * A write is durable when its promise resolves. A write that fails rejects with a `StorageError` and changes nothing.
 * After `close()` every method rejects.
 */
export interface Storage extends StorageReader, AsyncDisposable {
  /** Gives `key` a value. Rejects with a `TypeError` that names the place of whatever is neither JSON nor bytes. */
  set(key: string, value: StorageValue): Promise<void>;
  /** Removes `key`; resolves with whether it had a value. */
  delete(key: string): Promise<boolean>;
  /** Removes everything in this namespace, and in those inside it; what is beside or above it stays. */
  clear(): Promise<void>;
  /**
   * Commits all that `change` writes through its transaction, or nothing: when `change` throws, nothing is written and
   * the error is passed on. When somebody else has meanwhile changed a value that `change` read, it runs again on what
   * is there now, so it should do nothing but read and write through its transaction. What `entries` has listed counts
   * as read; that a key was not there yet does not. Rejects with a `StorageError` when the backend fails.
   */
  transaction<Result>(change: (transaction: Transaction) => Result | Promise<Result>): Promise<Result>;
  /**
   * A storage of its own inside this one: its keys never meet those outside, whatever characters are in the names. It
   * shares the life of this one: closing either closes both.
   */
  namespace(name: string): Storage;
  /** Frees files and sockets, after the writes that were started. Closing twice is one close. */
  close(): Promise<void>;
}
