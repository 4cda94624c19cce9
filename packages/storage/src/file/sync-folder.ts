import fs from "node:fs/promises";

/** Makes what was done in a folder survive a loss of power. Windows has no such thing, and does it by itself. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await fs.open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
