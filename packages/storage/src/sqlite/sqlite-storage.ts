import { createStorage } from "../create-storage.js";
import { requirePath } from "../file/file-problem.js";
import type { Storage } from "../storage.js";
import type { StoreOptions } from "../store.js";
import { type OpeningOptions, openOurDatabase } from "./open-our-database.js";
import { SqliteEngine } from "./sqlite-engine.js";
import { asStorageError } from "./sqlite-problem.js";

/** What can be chosen about a storage in SQLite. */
export interface SqliteStorageOptions extends StoreOptions {
  /**
   * What a resolved write survives. `"power-loss"`: each commit is written through to the disk, which takes most of its
   * time. `"process"`: a commit survives the end of the process by whatever means, but a loss of power may undo the last
   * ones, each as a whole. Default: `"power-loss"`.
   */
  readonly durability?: "power-loss" | "process";
  /**
   * How long opening the storage, and then each call, waits while another process has the database locked, in
   * milliseconds. Default: 5,000.
   */
  readonly waitMs?: number;
  /** Ends the waiting of the opening; its reason is what `sqliteStorage` rejects with. */
  readonly signal?: AbortSignal;
}

const defaultWaitMs = 5000;

/**
 * Opens the storage in a SQLite database, or makes one; several processes may share it, on a local disk. Files are
 * readable by their owner only. Before Node 22.13 it needs the package `libsql`.
 *
 * Rejects with a `StorageError`, and leaves the file as it is, when it is damaged, unreadable, from a later version or
 * another program's, or locked by another process for too long.
 */
export async function sqliteStorage(path: string, options: SqliteStorageOptions = {}): Promise<Storage> {
  const { durability = "power-loss", waitMs = defaultWaitMs, signal } = options;
  requirePath(path);
  requireOptions(path, durability, waitMs, signal);
  try {
    return createStorage(await openEngine(path, { durability, waitMs, signal }), options);
  } catch (cause) {
    if (signal?.aborted === true && cause === signal.reason) throw cause;
    throw asStorageError("open", path, cause);
  }
}

async function openEngine(path: string, options: OpeningOptions): Promise<SqliteEngine> {
  const database = await openOurDatabase(path, options);
  try {
    return new SqliteEngine(database, path, options);
  } catch (error) {
    database.close();
    throw error;
  }
}

function requireOptions(path: string, durability: unknown, waitMs: unknown, signal: unknown): void {
  if (durability !== "power-loss" && durability !== "process") {
    throw wrongOption(path, "durability", durability, 'use "power-loss" or "process"');
  }
  if (typeof waitMs !== "number" || !Number.isFinite(waitMs) || waitMs < 0) {
    throw wrongOption(path, "waitMs", waitMs, "use a number of milliseconds, 0 for not at all");
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw wrongOption(path, "signal", signal, "use the signal of an AbortController");
  }
}

function wrongOption(path: string, name: string, value: unknown, advice: string): TypeError {
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  return new TypeError(`Cannot open "${path}": ${name} is ${shown}; ${advice}`);
}
