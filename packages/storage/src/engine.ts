/**
 * What is under a storage: encoded values by full key, nothing else. `createStorage` builds namespaces, transactions,
 * leases and values on it, and keeps values in memory above it, so that an engine for another database is four short
 * methods. An engine may assume that nothing is called after `close`, and that a value is the text of a JSON value.
 */
export interface StorageEngine {
  /** What `storage.guarantees` says. Default: nobody knows what a write survives, and nobody else may use the store. */
  readonly guarantees?: StorageGuarantees;
  /** The encoded values of `keys`, in their order, read at one moment. */
  read(keys: readonly string[]): Promise<(string | undefined)[]>;
  /**
   * At most `limit` keys that start with `prefix` and come after `after`, with their values, in the order of their code
   * points (which is the order of their UTF-8 bytes).
   */
  scan(prefix: string, after: string, limit: number): Promise<(readonly [key: string, value: string])[]>;
  /**
   * Makes the changes of each of `commits`, one after the other: all changes of a commit, or none. Resolves when what it
   * made is durable, with whether each commit was made: one is not, and changes nothing, when one of its `expected` is
   * not what is stored at its turn. They come from callers that do not know of each other and happen to write at the
   * same moment, so that a backend has one round trip, or one `fsync`, for all of them. Rejects when it does not know
   * all of them to be durable. It is called again when it has settled, so that no commit overtakes another.
   */
  commit(commits: readonly Commit[]): Promise<readonly boolean[]>;
  /** Frees files and sockets. */
  close(): Promise<void>;
  /**
   * The keys whose values may have been changed by others since this was last called: `"all"` when it cannot tell. It is
   * called each time before a value is answered from memory, so it takes next to no time. Default: values are never
   * kept in memory.
   */
  takeChanges?(): readonly string[] | "all";
  /** The time in milliseconds, by the clock that all who share the store have in common. Default: this machine's. */
  now?(): Promise<number>;
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

/** What a storage promises, which depends on what is under it. */
export interface StorageGuarantees {
  /**
   * What a resolved write survives: `"power-loss"` (and everything less), `"process"`, the end of this process by
   * whatever means, or `"nothing"`. `"unknown"`: that is up to a part that does not tell, as the store under a Keyv.
   */
  readonly durability: "power-loss" | "process" | "nothing" | "unknown";
  /**
   * Who may have the store open at the same time: `"nobody"` else, other storages of this `"process"`, other
   * `"processes"` of this machine, or other `"machines"`.
   */
  readonly sharing: "nobody" | "process" | "processes" | "machines";
}
