import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** An empty folder, for as long as the test runs. */
export async function temporaryFolder(): Promise<string> {
  const folder = await fs.mkdtemp(join(tmpdir(), "mx-storage-"));
  onTestFinished(() => fs.rm(folder, { recursive: true, force: true }));
  return folder;
}
