import fs from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasEnded, ownIdentity } from "./process-identity.js";
import { replacementPath } from "./replace-file.js";
import { StorageError } from "../storage-error.js";

/*
 * One process at a time. Each opener first puts down a lock file of its own, named after its process, and only then
 * looks for others: of two that open at once, at least one sees the other, so two never have the file. (Both may see
 * each other, and both be refused.) The usual single lock file has no such order: who removes the lock of a dead
 * process may remove the one that a third has just made.
 */

/** Keeps every other opener from `path` until the function that it resolves with is called, or this process ends. */
export async function lock(path: string): Promise<() => Promise<void>> {
  const prefix = `${path}.lock.`;
  const own = `${prefix}${await ownIdentity()}`;
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
      { cause: error },
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
        `Cannot open "${path}": process "${owner.split(".")[0]}" has it open; close it there, use sqliteStorage to share it, ` +
          `or, if that process is certain to have ended, delete "${basename(other)}"`,
      );
    }
    // The lock last: it is what tells whose the other file was.
    await fs.rm(replacementPath(path, owner), { force: true });
    await fs.rm(other, { force: true });
  }
}
