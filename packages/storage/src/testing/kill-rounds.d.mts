import type { Storage } from "../storage.js";

/** A process that is to be killed. */
export interface KilledProcess {
  /** Kills it as the kernel would, and resolves when it is gone. */
  kill(): Promise<void>;
}

/** What is killed, how, and how often. */
export interface KillRoundsOptions {
  /** The entry point of the package that opens the storage. */
  readonly kind: "file" | "sqlite" | "redis";
  /** The first argument of its function: a path or a URL. */
  readonly place: string;
  /** The second one. */
  readonly given?: object;
  /** Opens the same storage in this process. */
  readonly open: () => Promise<Storage>;
  readonly rounds: number;
  readonly seed: number;
  /** How many processes are started ahead. Default: 3. */
  readonly spares?: number;
  /** What happens at the random moment; the process is gone when it resolves. Default: the process is killed. */
  readonly crash?: (process: KilledProcess) => Promise<void>;
  /** Whether writes may be refused after it: when it ends a server, too. */
  readonly mayFail?: boolean;
  /** Called after each round with the results so far. */
  readonly onRound?: (results: KillRoundsResults) => void;
}

/** What was left, over all rounds. */
export interface KillRoundsResults {
  readonly rounds: number;
  /** How many operations were acknowledged. */
  readonly acknowledged: number;
  /** How many were not, and are there all the same. */
  readonly made: number;
  /** How many values are not what was acknowledged. */
  readonly lost: number;
  /** How many operations are there in part. */
  readonly torn: number;
  /** How many times the storage did not open, or held what nobody has written; it ends with the first. */
  readonly unreadable: number;
  /** All of these in words. */
  readonly problems: readonly string[];
}

/** Kills a process again and again while it writes, and looks at what is left each time. */
export declare function killRounds(options: KillRoundsOptions): Promise<KillRoundsResults>;
