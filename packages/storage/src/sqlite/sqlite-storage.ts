import { createStorage } from "../create-storage.js";
import { fileProblemOf, requirePath } from "../file/file-problem.js";
import { openOurDatabase } from "./open-our-database.js";
import { SqliteEngine } from "./sqlite-engine.js";
import { StorageError } from "../storage-error.js";
import type { Storage } from "../storage.js";

/**
 * Opens the storage in a SQLite database, or makes one; several processes may share it, on a local disk. A commit is
 * safe from a loss of power. Files are readable by their owner only. Before Node 22.13 it needs the package `libsql`.
 *
 * Rejects with a `StorageError`, and leaves the file as it is, when it is damaged, unreadable, from a later version or
 * another program's.
 */
export async function sqliteStorage(path: string): Promise<Storage> {
  requirePath(path);
  try {
    return createStorage(new SqliteEngine(await openOurDatabase(path), path));
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    throw new StorageError(`Cannot open "${path}": ${fileProblemOf(cause)}`, { cause });
  }
}
