import fs from "node:fs/promises";
import { createStorage } from "../create-storage.js";
import { fromFileContent } from "./file-content.js";
import { FileEngine } from "./file-engine.js";
import { lock } from "./file-lock.js";
import { fileProblemOf, requirePath } from "./file-problem.js";
import { locate } from "./locate.js";
import { ownIdentity } from "./process-identity.js";
import { replacementPath } from "./replace-file.js";
import { StorageError } from "../storage-error.js";
import type { Storage } from "../storage.js";
import { Table } from "../table.js";

/**
 * Opens the storage in a JSON file, or makes one: for one process, a local disk, and what fits in memory comfortably,
 * because each commit writes the whole file. Files are readable by their owner only.
 *
 * Rejects with a `StorageError`, and leaves the file as it is, when another storage has it open, here or in another
 * process, and when it is damaged, unreadable or from a later version.
 */
export async function fileStorage(path: string): Promise<Storage> {
  requirePath(path);
  try {
    const file = await locate(path);
    const unlock = await lock(file);
    try {
      const replacement = replacementPath(file, await ownIdentity());
      return createStorage(new FileEngine(file, replacement, await load(file), unlock));
    } catch (error) {
      await unlock();
      throw error;
    }
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    throw new StorageError(`Cannot open "${path}": ${fileProblemOf(cause)}`, { cause });
  }
}

async function load(file: string): Promise<Table> {
  let content: Uint8Array;
  try {
    content = await fs.readFile(file);
  } catch (error) {
    if (isMissing(error)) return new Table();
    throw error;
  }
  return fromFileContent(content);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
