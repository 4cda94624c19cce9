import fs from "node:fs/promises";
import { dirname } from "node:path";

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

/** Makes a rename survive a loss of power. Windows has no such thing for folders, and does it by itself. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await fs.open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
