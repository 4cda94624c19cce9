import { dirname } from "node:path";
import type { Disk, DiskFile } from "./disk.js";
import { endOfSnapshot, firstLine, setting, toLine } from "./line.js";
import type { Table } from "../table.js";
import { writeAll } from "./write-all.js";

/** How much is put together, and then written, before others have their turn. */
const charactersPerPart = 128 * 1024;

/** How much is written before the disk has to have it: whoever waits for the disk meanwhile does not wait for long. */
const bytesPerSync = 4 * 1024 * 1024;

const rowsPerScan = 64;

/** A failure after which nobody knows which file has the name. */
export class MaybeReplacedError extends Error {}

/** A file that is going to take the place of another, once it is complete. */
export class Replacement {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #place: string;
  readonly #file: DiskFile;
  #length = 0;
  #lines = 0;
  #syncedLength = 0;

  private constructor(disk: Disk, path: string, place: string, file: DiskFile) {
    this.#disk = disk;
    this.#path = path;
    this.#place = place;
    this.#file = file;
  }

  /** Begins one at `place`, for the file at `path`, which need not be there. */
  static async begin(disk: Disk, path: string, place: string): Promise<Replacement> {
    // One that could not be removed is in the way.
    await disk.remove(place);
    return new Replacement(disk, path, place, await disk.open(place, "new"));
  }

  get file(): DiskFile {
    return this.#file;
  }

  get length(): number {
    return this.#length;
  }

  get lines(): number {
    return this.#lines;
  }

  /**
   * Writes every value of `table`, which may change meanwhile: whatever has changed since this was called has to be
   * written after it. Ends early when `signal` aborts.
   */
  async writeAll(table: Table, signal: AbortSignal): Promise<void> {
    let part: string[] = [];
    let characters = 0;
    for (let after: string | undefined = ""; after !== undefined && !signal.aborted;) {
      const rows = table.scan("", after, rowsPerScan);
      after = rows.at(-1)?.[0];
      for (const [key, value] of rows) {
        part.push(setting(key, value));
        characters += value.length;
        if (characters < charactersPerPart) continue;
        await this.write(part);
        part = [];
        characters = 0;
      }
    }
    await this.write(part);
  }

  /** Writes a line for each of `changes`. */
  async write(changes: readonly string[]): Promise<void> {
    const start = this.#lines === 0 ? [Buffer.from(firstLine)] : [];
    this.#lines ||= 1;
    const bytes = Buffer.concat([...start, ...changes.map((change) => Buffer.from(toLine(++this.#lines, change)))]);
    await writeAll(this.#file, bytes, this.#length);
    this.#length += bytes.length;
    if (this.#length - this.#syncedLength >= bytesPerSync) await this.sync();
  }

  async sync(): Promise<void> {
    await this.#file.sync();
    this.#syncedLength = this.#length;
  }

  /**
   * Completes the file, and gives it its name, in a way that survives a loss of power. When this rejects, the old file
   * has it, unless the error is a `MaybeReplacedError`.
   */
  async takeOver(): Promise<void> {
    await this.write([endOfSnapshot]);
    await this.sync();
    try {
      await this.#disk.rename(this.#place, this.#path);
    } catch (cause) {
      // Some file systems fail after the fact.
      if (!(await this.#hasName(cause))) throw cause;
    }
    try {
      await this.#disk.syncFolder(dirname(this.#path));
    } catch (cause) {
      throw new MaybeReplacedError(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }

  /** Removes it, unless it has taken over. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await this.#disk.remove(this.#place).catch(() => undefined);
  }

  async #hasName(cause: unknown): Promise<boolean> {
    try {
      return await this.#file.isAt(this.#path);
    } catch {
      throw new MaybeReplacedError(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
}
