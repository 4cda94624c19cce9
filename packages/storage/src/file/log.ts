import type { DiskFile } from "./disk.js";
import { toLine } from "./line.js";
import { writeAll } from "./write-all.js";

/** The file that commits are written to, a line for each group of them. */
export class Log {
  readonly file: DiskFile;
  readonly #isSynced: boolean;
  #length: number;
  #lines: number;

  /** `file` holds `lines` lines, all of them complete. With `isSynced`, a line is written when the disk has it. */
  constructor(file: DiskFile, length: number, lines: number, isSynced: boolean) {
    this.file = file;
    this.#length = length;
    this.#lines = lines;
    this.#isSynced = isSynced;
  }

  /** How many bytes of the file hold what was written as a whole. */
  get length(): number {
    return this.#length;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Writes a line. When it rejects, a part of it may be in the file, or all of it: see `cutBack`. */
  async append(changes: string): Promise<void> {
    const line = Buffer.from(toLine(this.#lines + 1, changes));
    await writeAll(this.file, line, this.#length);
    if (this.#isSynced) await this.file.sync();
    this.#length += line.length;
    this.#lines++;
  }

  /**
   * Removes what is left of a line that could not be written, for good: a loss of power is not to bring any of it back
   * under what is written next.
   */
  async cutBack(): Promise<void> {
    await this.file.truncate(this.#length);
    await this.file.sync();
  }
}
