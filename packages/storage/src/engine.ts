/**
 * What is under a storage: encoded values by full key, nothing else. `createStorage` builds namespaces, transactions
 * and values on it, so that an engine for another database is four short methods. An engine may assume that nothing is
 * called after `close`.
 */
export interface StorageEngine {
  /** The encoded values of `keys`, in their order, read at one moment. */
  read(keys: readonly string[]): Promise<(string | undefined)[]>;
  /**
   * At most `limit` keys that start with `prefix` and come after `after`, with their values, in the order of their code
   * points (which is the order of their UTF-8 bytes).
   */
  scan(prefix: string, after: string, limit: number): Promise<(readonly [key: string, value: string])[]>;
  /**
   * Makes all changes of `commit` durable, or none. Resolves with `false`, having written nothing, when one of
   * `expected` is not what is stored.
   */
  commit(commit: Commit): Promise<boolean>;
  /** Frees files and sockets. */
  close(): Promise<void>;
}

/**
 * One atomic step from one state of the store to the next; with nothing to clear or write, a question about this one.
 */
export interface Commit {
  /** What must be stored for the commit to happen: the values that it was computed from; `undefined` for "nothing". */
  readonly expected: ReadonlyMap<string, string | undefined>;
  /** Prefixes whose keys are removed, before the writes. */
  readonly cleared: readonly string[];
  /** The new values; `undefined` removes the key. */
  readonly written: ReadonlyMap<string, string | undefined>;
}
