import fs from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { chance, clock } from "../env.js";
import { hasEnded, ownIdentity } from "./process-identity.js";
import { replacementPath } from "./replacement-path.js";
import { sleep } from "../sleep.js";
import { StorageError } from "../storage-error.js";

/*
 * One process at a time. Each opener first puts down a lock file of its own, named after its process, and only then
 * looks for others: of two that open at once, at least one sees the other, so two never have the file. (Both may see
 * each other, and both be refused; who waits tries again after a time that is left to chance, so that sooner or later one
 * is alone.) The usual single lock file has no such order: who removes the lock of a dead process may remove the one that
 * a third has just made.
 */

/** How long the first pause between two looks is, and the longest one. */
const pauseMs = { first: 8, longest: 128 };

/** How long to wait for a file that somebody else has open. */
export interface LockWait {
  /** May be `Infinity`. */
  readonly waitMs: number;
  /** Ends the waiting; its reason is thrown. */
  readonly signal: AbortSignal | undefined;
}

/** Keeps every other opener from `path` until the function that it resolves with is called, or this process ends. */
export async function lock(path: string, { waitMs, signal }: LockWait): Promise<() => Promise<void>> {
  signal?.throwIfAborted();
  const end = clock.monotonicMs() + waitMs;
  for (let longestMs = pauseMs.first; ; longestMs = Math.min(2 * longestMs, pauseMs.longest)) {
    try {
      return await tryToLock(path);
    } catch (error) {
      const leftMs = end - clock.monotonicMs();
      if (!(error instanceof StorageError) || error.code !== "locked" || !(leftMs > 0)) throw error;
      await sleep(Math.min(longestMs * (0.25 + 0.75 * chance.number()), leftMs), signal);
    }
    signal?.throwIfAborted();
  }
}

async function tryToLock(path: string): Promise<() => Promise<void>> {
  const prefix = `${path}.lock.`;
  const own = `${prefix}${await ownIdentity()}`;
  // A lock that is put down only to be removed again is in the way of everybody who looks at that moment.
  await requireNoOther(path, prefix, own);
  await create(own, path);
  const unlock = (): Promise<void> => fs.rm(own, { force: true });
  try {
    await requireNoOther(path, prefix, own);
  } catch (error) {
    await unlock();
    throw error;
  }
  return unlock;
}

async function create(own: string, path: string): Promise<void> {
  try {
    const file = await fs.open(own, "wx", 0o600);
    await file.close();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    throw new StorageError(
      `Cannot open "${path}": this process has it open already (its lock is "${own}"); share that storage, or close it first`,
      { code: "locked", cause: error },
    );
  }
}

async function requireNoOther(path: string, prefix: string, own: string): Promise<void> {
  for (const name of await fs.readdir(dirname(path))) {
    const other = join(dirname(path), name);
    if (!other.startsWith(prefix) || other === own) continue;
    const owner = other.slice(prefix.length);
    if (!(await hasEnded(owner))) {
      throw new StorageError(
        `Cannot open "${path}": process "${owner.split(".")[0]}" has it open; wait for it with the option "waitMs", ` +
          `use sqliteStorage to share it, or, if that process is certain to have ended, delete "${basename(other)}"`,
        { code: "locked" },
      );
    }
    // The lock last: it is what tells whose the other file was.
    await fs.rm(replacementPath(path, owner), { force: true });
    await fs.rm(other, { force: true });
  }
}
