import type { DiskFile } from "./disk.js";
import { toLine } from "./line.js";
import { maxBytesAtOnce, writeAll, writeAllNow, writeInParts } from "./write-all.js";

/** The file that commits are written to, a line for each group of them. */
export class Log {
  readonly file: DiskFile;
  readonly #isSynced: boolean;
  /** How much was written since others had their turn. */
  #bytesAtOnce = 0;
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

  /**
   * Writes a line; returns nothing when that is done already. When it throws or rejects, a part of the line may be in
   * the file, or all of it: see `cutBack`.
   */
  append(changes: string): Promise<void> | undefined {
    const line = toLine(this.#lines + 1, changes);
    if (this.#isSynced) return this.#writeAndSync(line);
    this.#bytesAtOnce += line.length;
    if (this.#bytesAtOnce > maxBytesAtOnce) return this.#writeInTurn(line);
    writeAllNow(this.file, line, this.#length);
    this.#add(line.length);
    return undefined;
  }

  /**
   * Removes what is left of a line that could not be written, for good: a loss of power is not to bring any of it back
   * under what is written next.
   */
  async cutBack(): Promise<void> {
    await this.file.truncate(this.#length);
    await this.file.sync();
  }

  async #writeAndSync(line: Buffer): Promise<void> {
    await writeAll(this.file, line, this.#length);
    await this.file.sync();
    this.#add(line.length);
  }

  /** Whoever commits again and again without waiting for anything else would let nobody else have a turn. */
  async #writeInTurn(line: Buffer): Promise<void> {
    this.#bytesAtOnce = 0;
    // A copy, because the next line that somebody puts together may overwrite it.
    await writeInParts(this.file, Buffer.from(line), this.#length);
    this.#add(line.length);
  }

  #add(bytes: number): void {
    this.#length += bytes;
    this.#lines++;
  }
}
