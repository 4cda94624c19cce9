import { Table } from "../table.js";
import { findChanges, isEndOfSnapshot, isUnsynced, makeChanges, type Place } from "./line.js";
import type { Lines } from "./read-lines.js";
import { hasHoles, isBeginning } from "./torn.js";

const newline = 0x0a;

/** What a file holds after its first line, as its lines come in, up to the first that is not as it was written. */
export class LogContent {
  readonly table: Table = new Table();
  /** How many bytes of the file are as they were written. */
  length: number;
  /** How many lines that is, the first one of the file included. */
  lines = 1;
  /** How much of the file is its first part; `undefined` until that has ended. */
  snapshotLength: number | undefined;
  /** What is wrong with the file, when it is anything that no crash leaves. */
  damage: string | undefined;
  readonly #fileLength: number;

  constructor(start: number, fileLength: number) {
    this.length = start;
    this.#fileLength = fileLength;
  }

  /** Takes more lines. */
  add({ bytes, position }: Lines): void {
    for (const place of placesOf(bytes)) {
      if (this.damage !== undefined) return;
      const isWhole = this.length === position + place.start;
      const hasEnd = place.end < bytes.length;
      const changes = hasEnd ? findChanges(bytes, place, isWhole ? this.lines + 1 : undefined) : undefined;
      if (isWhole && changes !== undefined) this.#makeChanges(bytes, changes, position + place.end + 1);
      else if (!this.#isTorn(bytes, place, position, changes)) this.damage = `line ${this.lines + 1} is damaged`;
    }
  }

  /** Says that there are no more lines. */
  end(): void {
    if (this.snapshotLength === undefined) this.damage ??= `it ends after line ${this.lines}, which is too early`;
  }

  #makeChanges(bytes: Buffer, changes: Place, end: number): void {
    if (this.snapshotLength !== undefined || !isEndOfSnapshot(bytes, changes)) makeChanges(this.table, bytes, changes);
    else this.snapshotLength = end;
    this.lines++;
    this.length = end;
  }

  /** Tells whether a loss of power may have left this, of something that nobody was told to be on the disk. */
  #isTorn(bytes: Buffer, place: Place, position: number, changes: Place | undefined): boolean {
    if (this.snapshotLength === undefined) return false;
    if (changes !== undefined) return isUnsynced(bytes, changes);
    const line = bytes.subarray(place.start, place.end);
    const hasEnd = place.end < bytes.length;
    return (!hasEnd && isBeginning(line)) || hasHoles(line, position + place.start, this.#fileLength);
  }
}

/** Makes the changes of every line that is as it was written, whatever is between them; returns how many those are. */
export function salvage({ bytes }: Lines, table: Table): number {
  let lines = 0;
  for (const place of placesOf(bytes)) {
    const changes = findChanges(bytes, place);
    if (changes === undefined) continue;
    lines++;
    if (!isEndOfSnapshot(bytes, changes)) makeChanges(table, bytes, changes);
  }
  return lines;
}

function* placesOf(bytes: Buffer): Generator<Place, void> {
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(newline, start);
    const end = found === -1 ? bytes.length : found;
    yield { start, end };
    start = end + 1;
  }
}
