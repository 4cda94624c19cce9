import type { StorageGuarantees } from "./engine.js";

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
  /** The names of the namespaces in this one that hold something, or hold one that does; each of them once. */
  namespaces(): AsyncIterable<string>;
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

/** What can be chosen about a transaction. */
export interface TransactionOptions {
  /**
   * Commits only while this lease is held: rejects with a `StorageError` of code `lease-lost`, and writes nothing, when
   * somebody else has taken it over, even if this process has not noticed yet.
   */
  readonly lease?: Lease;
}

/** What can be chosen about a lease. */
export interface LeaseOptions {
  /**
   * How long the lease outlives a holder that was killed or has lost the storage, in milliseconds. While it is held, it
   * is renewed at a third of that. Default: 30,000.
   */
  readonly ttlMs?: number;
  /** How long to wait for a lease that somebody else holds, in milliseconds; may be `Infinity`. Default: 0. */
  readonly waitMs?: number;
  /** Ends the waiting; its reason is what `lease` rejects with. */
  readonly signal?: AbortSignal;
}

/**
 * Something that one holder at a time does, among all who share the store. It can be lost while its holder is away (in a
 * long computation, or asleep), so what must not be done by two is done in a transaction that is given the lease.
 */
export interface Lease extends AsyncDisposable {
  readonly name: string;
  /** A fencing token: each holder's is greater than that of the one before. */
  readonly token: number;
  /** Aborts when the lease is lost or released; the reason is a `StorageError`. */
  readonly signal: AbortSignal;
  /** Lets the next one have it at once. Releasing twice, or after it was lost, does nothing. */
  release(): Promise<void>;
}

/**
 * Values by key, on whatever the application has. `memoryStorage`, `fileStorage`, `sqliteStorage` and `redisStorage`
 * make one; `toStorage` makes one of a `Map` or a `Keyv`, which promise less (see the table in the README, and
 * `guarantees`).
 *
 * A write is durable when its promise resolves. A write that fails rejects with a `StorageError` and changes nothing.
 * After `close()` every method rejects. Values that it gives are frozen: they may be shared with everybody else.
 */
export interface Storage extends StorageReader, AsyncDisposable {
  /** What is promised, which depends on what is under the storage. */
  readonly guarantees: StorageGuarantees;
  /** Gives `key` a value. Rejects with a `TypeError` that names the place of whatever is neither JSON nor bytes. */
  set(key: string, value: StorageValue): Promise<void>;
  /** Removes `key`; resolves with whether it had a value. */
  delete(key: string): Promise<boolean>;
  /** Removes everything in this namespace, and in those inside it; what is beside or above it stays. */
  clear(): Promise<void>;
  /**
   * Commits all that `change` writes through its transaction, or nothing: when `change` throws, nothing is written and
   * the error is passed on, once it is certain that what it read was of one moment. When somebody else has meanwhile changed a value that `change` read, it runs again on what
   * is there now, so it should do nothing but read and write through its transaction. What `entries` has listed counts
   * as read; that a key was not there yet does not. Rejects with a `StorageError` when the backend fails.
   *
   * The storage itself is not to be used inside: that is noticed, and rejects with a `StorageError` of code `misuse`, as
   * long as `change` awaits nothing but its transaction. After it has awaited something else, the storage works as it
   * does for everybody else: it never waits for the transaction.
   */
  transaction<Result>(
    change: (transaction: Transaction) => Result | Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;
  /**
   * A storage of its own inside this one: its keys never meet those outside, whatever characters are in the names. It
   * shares the life of this one: closing either closes both.
   */
  namespace(name: string): Storage;
  /**
   * Takes the lease `name` of this namespace, and renews it until it is released, lost, or the storage is closed.
   * Rejects with a `StorageError` of code `lease-held` when somebody else holds it, and `waitMs` has passed.
   */
  lease(name: string, options?: LeaseOptions): Promise<Lease>;
  /** Releases the leases, and frees files and sockets, after the writes that were started. Closing twice is one close. */
  close(): Promise<void>;
}
