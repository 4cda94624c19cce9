import type { Storage } from "../storage.js";

/** Who counts, where, and what happens to them. */
export interface CountTogetherOptions {
  /** The entry point of the package that opens the storage. */
  readonly kind: "file" | "sqlite" | "redis";
  /** The first argument of its function: a path or a URL. */
  readonly place: string;
  /** The second one. */
  readonly given?: object;
  /** Opens the same storage in this process, when the others have ended. */
  readonly open: () => Promise<Storage>;
  readonly seed: number;
  readonly ttlMs: number;
  /** How often each process adds to each counter before it closes the storage and opens it again. Default: always. */
  readonly incrementsPerOpening?: number;
  /** Default: 4. */
  readonly processes?: number;
  /** How often one of them is killed, and started again. Default: 1. */
  readonly kills?: number;
  /** How often each process has added under the lease when it stands still for longer than the lease lasts. */
  readonly incrementsPerStall: number;
  /** How often all together add to each counter, at least. */
  readonly increments: number;
}

/** What they have counted. */
export interface CountTogetherResults {
  readonly byTransaction: number;
  readonly underLease: number;
  readonly kills: number;
  /** Where the counts are not exact. */
  readonly problems: readonly string[];
}

/** Lets processes add to counters together while random ones of them are killed, and says whether the counts are exact. */
export declare function countTogether(options: CountTogetherOptions): Promise<CountTogetherResults>;
