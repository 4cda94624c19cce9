import fs from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileProblemOf } from "./file-problem.js";
import { syncFolder } from "./sync-folder.js";

/** Where `owner` puts the new content of the file at `path`, until it is complete: a name that nobody else chooses. */
export function replacementPath(path: string, owner: string): string {
  return join(dirname(path), `.${basename(path)}.${owner}.tmp`);
}

/** A failure after which the file may have either content. */
export class MaybeReplacedError extends Error {}

/**
 * Gives the file at `path` a new content, so that whatever ends the process or the machine, the file has either the old
 * or the new one, and the new one once this has resolved. When this rejects, the file has the old one, unless the error
 * is a `MaybeReplacedError`.
 */
export async function replaceFile(path: string, replacement: string, content: string): Promise<void> {
  try {
    await write(replacement, content);
  } catch (error) {
    await fs.rm(replacement, { force: true }).catch(() => undefined);
    throw error;
  }
  try {
    await fs.rename(replacement, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await fs.rm(replacement, { force: true }).catch(() => undefined);
    throw new MaybeReplacedError(fileProblemOf(cause), { cause });
  }
}

async function write(path: string, content: string): Promise<void> {
  // One that could not be removed is in the way.
  await fs.rm(path, { force: true });
  const file = await fs.open(path, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
