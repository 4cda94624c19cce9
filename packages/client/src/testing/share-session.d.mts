/** Who shares a session, where, and what befalls them. */
export interface ShareSessionOptions {
  /** Its URL. */
  readonly homeserver: string;
  /** How long its access tokens live. */
  readonly lifeMs: number;
  /** The entry point of the package that opens the storage. */
  readonly kind: "sqlite" | "redis";
  /** The first argument of its function: a path or a URL. */
  readonly place: string;
  readonly ms: number;
  readonly seed: number;
  /** Default: 4. */
  readonly processes?: number;
  /** How many of them sync. Default: all. */
  readonly syncing?: number;
  /** The time between an answer and the next request of a process. */
  readonly pauseMs: number;
  /** Some of `faults`, one after the other, spread over the whole time. */
  readonly faults?: readonly string[];
  /** One of broken-storage.mjs, to see that it is noticed. */
  readonly breakage?: string;
}

/** What they have lived through. */
export interface ShareSessionResults {
  readonly answered: number;
  readonly longestMs: number;
  readonly ms: number;
  /** The faults that have happened: one may find no refresh to happen at. */
  readonly befallen: readonly string[];
  /** How many refreshes the homeserver has granted; of those, how many for a refresh token that had got tokens before; refused. */
  readonly granted: number;
  readonly repeated: number;
  readonly refused: number;
  /** Who was logged out, and what was not answered. */
  readonly problems: readonly string[];
}

/** What can befall a process: "kill" or "stall" at a random moment, or, as in "kill answered", at a point of a refresh. */
export declare const faults: readonly string[];

/** Lets processes use one session together while some are killed and some stand still, and says whether all went well. */
export declare function shareSession(options: ShareSessionOptions): Promise<ShareSessionResults>;
