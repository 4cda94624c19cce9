import type { DiskFile } from "./disk.js";

/** How much is read, and then worked on, before others have their turn. */
const bytesPerReading = 256 * 1024;

const newline = 0x0a;

/** Complete lines, each with its end, except for what the file ends with when that is none. */
export interface Lines {
  readonly bytes: Buffer;
  /** Where in the file they begin. */
  readonly position: number;
}

/** What a file holds from `start` on, some lines at a time; what was yielded is overwritten by what comes next. */
export async function* readLines(file: DiskFile, start: number, length: number): AsyncGenerator<Lines, void> {
  let buffer = Buffer.allocUnsafe(bytesPerReading);
  /** How much of the buffer holds what was read, and not yet yielded. */
  let held = 0;
  for (let position = start; position < length;) {
    if (held === buffer.length) buffer = Buffer.concat([buffer], 2 * buffer.length);
    const count = await file.read(buffer.subarray(held), position);
    if (count === 0) throw new Error("it has become shorter while it was read");
    const lastNewline = buffer.subarray(held, held + count).lastIndexOf(newline);
    position += count;
    const end = lastNewline === -1 ? 0 : held + lastNewline + 1;
    held += count;
    if (end === 0) continue;
    yield { bytes: buffer.subarray(0, end), position: position - held };
    buffer.copy(buffer, 0, end, held);
    held -= end;
  }
  if (held > 0) yield { bytes: buffer.subarray(0, held), position: length - held };
}
