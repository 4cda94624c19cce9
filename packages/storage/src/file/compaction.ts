import type { Disk } from "./disk.js";
import { Replacement } from "./replacement.js";
import type { Table } from "../table.js";

/**
 * Writes the file anew, without what was overwritten, while commits go on: they are written to the old file, and told
 * to `add`. The copy of the table is not of one moment, but followed by all that has changed since it was begun.
 */
export class Compaction {
  /** Resolves when nothing is left to do but `finish`; rejects when that has failed. */
  readonly copied: Promise<void>;
  readonly #ending = new AbortController();
  /** What was committed since it was begun, and is not yet in the new file. */
  #added: string[] = [];
  #replacement: Replacement | undefined;

  constructor(disk: Disk, path: string, place: string, table: Table) {
    this.copied = this.#copy(disk, path, place, table);
  }

  /** Notes what was committed. */
  add(changes: string): void {
    this.#added.push(changes);
  }

  /**
   * Puts the new file in the place of the old one, and resolves with it; no commit may be made meanwhile.
   */
  async finish(): Promise<Replacement> {
    await this.copied;
    const replacement = this.#replacement;
    if (replacement === undefined) throw new Error("the new file is not there");
    await this.#writeAdded(replacement);
    await replacement.takeOver();
    return replacement;
  }

  /** Ends it, and removes the new file. */
  async abandon(): Promise<void> {
    this.#ending.abort();
    await this.copied.catch(() => undefined);
    await this.#replacement?.abandon();
  }

  async #copy(disk: Disk, path: string, place: string, table: Table): Promise<void> {
    const replacement = await Replacement.begin(disk, path, place);
    this.#replacement = replacement;
    await replacement.writeAll(table, this.#ending.signal);
    if (this.#ending.signal.aborted) return;
    await this.#writeAdded(replacement);
    // Most of it is on the disk before anybody has to wait for that.
    await replacement.sync();
  }

  async #writeAdded(replacement: Replacement): Promise<void> {
    const added = this.#added;
    this.#added = [];
    await replacement.write(added);
  }
}
