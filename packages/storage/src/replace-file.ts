import fs from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "./sync-folder.js";

/**
 * Gives the file at `path` a new content, so that whatever ends the process or the machine, the file has either the old
 * or the new one, and the new one once this has resolved.
 */
export async function replaceFile(path: string, content: string): Promise<void> {
  const replacement = `${path}.new`;
  // A killed process may have left one, and it may not be ours to write to.
  await fs.rm(replacement, { force: true });
  const file = await fs.open(replacement, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await fs.rename(replacement, path);
  await syncFolder(dirname(path));
}
