import { createStorage } from "../create-storage.js";
import { realDisk } from "./disk.js";
import { FileEngine } from "./file-engine.js";
import { lock } from "./file-lock.js";
import { fileProblemOf, requirePath } from "./file-problem.js";
import { locate } from "./locate.js";
import { openFile } from "./open-file.js";
import { ownIdentity } from "./process-identity.js";
import { replacementPath } from "./replacement-path.js";
import { StorageError } from "../storage-error.js";
import type { Storage } from "../storage.js";
import type { StoreOptions } from "../store.js";

/** A file that is no larger is not worth being written anew: reading all of it takes milliseconds. */
const compactionFloor = 1024 * 1024;

/** What can be chosen about a storage in a file. */
export interface FileStorageOptions extends StoreOptions {
  /**
   * What a resolved write survives: `"power-loss"`, for which each group of writes waits until the disk has it, or the
   * end of the `"process"` only, for which it is enough that the system has it, and which is many times as fast.
   * Default: `"power-loss"`.
   */
  readonly durability?: "power-loss" | "process";
  /**
   * How long to wait for a file that somebody else has open, in milliseconds; may be `Infinity`. Default: 0, which
   * rejects at once.
   */
  readonly waitMs?: number;
  /** Ends the waiting; its reason is what `fileStorage` rejects with. */
  readonly signal?: AbortSignal;
  /**
   * Opens a damaged file with all that is not damaged in it, and keeps the file as it was beside it, as
   * `<path>.damaged`. Without it, a damaged file is refused, and left as it is.
   */
  readonly repair?: boolean;
}

/**
 * Opens the storage in a file, or makes one: for one process, a local disk, and what fits in memory comfortably. Files
 * are readable by their owner only.
 *
 * Rejects with a `StorageError`, and leaves the file as it is, when another storage has it open, here or in another
 * process (code `locked`), when it is damaged or something else (`damaged`), from a later version (`newer-format`), or
 * cannot be used (`failed`).
 */
export async function fileStorage(path: string, options: FileStorageOptions = {}): Promise<Storage> {
  requirePath(path);
  const { durability = "power-loss", waitMs = 0, signal, repair = false } = options;
  requireOptions({ durability, waitMs, signal, repair });
  try {
    const file = await locate(path);
    const unlock = await lock(file, { waitMs, signal });
    try {
      const settings = {
        disk: realDisk,
        path: file,
        replacementPath: replacementPath(file, await ownIdentity()),
        durability,
        compactionFloor,
      };
      return createStorage(new FileEngine(settings, await openFile(settings, repair), unlock), options);
    } catch (error) {
      await unlock();
      throw error;
    }
  } catch (cause) {
    if (cause instanceof StorageError || (signal?.aborted === true && cause === signal.reason)) throw cause;
    throw new StorageError(`Cannot open "${path}": ${fileProblemOf(cause)}`, { cause });
  }
}

/** Throws a `TypeError` that names the first option that cannot be used. */
function requireOptions({
  durability,
  waitMs,
  signal,
  repair,
}: Record<"durability" | "waitMs" | "signal" | "repair", unknown>): void {
  if (durability !== "power-loss" && durability !== "process") {
    throw unusable("durability", durability, 'give "power-loss" or "process"');
  }
  if (typeof waitMs !== "number" || !(waitMs >= 0)) {
    throw unusable("waitMs", waitMs, "give a number of milliseconds, or Infinity");
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw unusable("signal", signal, "give the signal of an AbortController");
  }
  if (typeof repair !== "boolean") throw unusable("repair", repair, "give true or false");
}

function unusable(option: keyof FileStorageOptions, value: unknown, advice: string): TypeError {
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  return new TypeError(`Cannot open a file with ${option} ${shown}: ${advice}`);
}
