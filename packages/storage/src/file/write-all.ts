import type { DiskFile } from "./disk.js";

/** Up to so many bytes the wait for another thread would take longer than the writing. */
export const maxBytesAtOnce: number = 64 * 1024;

/** How much of a long text is written before others have their turn. */
const bytesPerPart = 1024 * 1024;

/** Writes all of `bytes`, in as many steps as the disk needs for it. */
export async function writeAll(file: DiskFile, bytes: Uint8Array, position: number): Promise<void> {
  if (bytes.length <= maxBytesAtOnce) writeAllNow(file, bytes, position);
  else await writeInParts(file, bytes, position);
}

/** The same, before it returns. */
export function writeAllNow(file: DiskFile, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length;) {
    const part = written === 0 ? bytes : bytes.subarray(written);
    written += requireSome(file.writeNow(part, position + written));
  }
}

/** The same, while others have their turn. */
export async function writeInParts(file: DiskFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const part = bytes.subarray(written, written + bytesPerPart);
    written += requireSome(await file.write(part, position + written));
  }
}

function requireSome(count: number): number {
  if (count === 0) throw new Error("the disk takes no more");
  return count;
}
