import type { DiskFile } from "./disk.js";

/** Up to so many bytes the wait for another thread would take longer than the writing. */
const maxBytesAtOnce = 64 * 1024;

/** How much of a long text is written before others have their turn. */
const bytesPerPart = 1024 * 1024;

/** Writes all of `bytes`, in as many steps as the disk needs for it. */
export async function writeAll(file: DiskFile, bytes: Uint8Array, position: number): Promise<void> {
  const isShort = bytes.length <= maxBytesAtOnce;
  for (let written = 0; written < bytes.length;) {
    const part = written === 0 && isShort ? bytes : bytes.subarray(written, written + bytesPerPart);
    const count = isShort ? file.writeNow(part, position + written) : await file.write(part, position + written);
    if (count === 0) throw new Error("the disk takes no more");
    written += count;
  }
}
