/*
 * What the file looks like: lines of UTF-8 text.
 *
 * 1. The first line says what it is, and in which format: `@mx/storage 1`.
 * 2. Every other line is `<checksum> <number> <length> <changes>`: the CRC-32 of all that comes after it, in eight
 *    hexadecimal digits, the number of the line in the file, and how many bytes its changes are.
 * 3. Changes are separated by tabs, which JSON has no use for, and made one after the other: `"key":value` sets a value
 *    (key and value are JSON), `-"key"` removes one, `*"prefix"` removes all whose keys start with it.
 * 4. The line `snapshot` ends the first part of the file. That part was written, and made durable, before the file got
 *    its name: it is complete, or the file is damaged.
 * 5. Each line after it is a group of commits that was written at once: it was acknowledged after all of it was there. So
 *    what a crash may leave is one incomplete line at the end, which nobody was told of.
 * 6. `~` among the changes says that nobody has waited for the disk: of such lines a loss of power may leave any part.
 */
import { crc32 } from "node:zlib";
import type { Commit } from "../engine.js";
import type { Table } from "../table.js";

export const format = 1;
export const firstLine: string = `@mx/storage ${format}\n`;

/** The changes of the line that ends the first part. */
export const endOfSnapshot = "snapshot";

const separator = "\t";
const unsynced = "~";
const checksumDigits = 8;

const tab = 0x09;
const newline = 0x0a;
const space = 0x20;
const quote = 0x22;
const star = 0x2a;
const minus = 0x2d;
const zero = 0x30;
const letterA = 0x61;
const backslash = 0x5c;
const tilde = 0x7e;

/** Where in a buffer a line is, without its end. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** What short lines are put together in: a commit should leave nothing behind to be collected. */
const scratch = Buffer.allocUnsafe(4096);

/** As much as the head of a line may be: ten digits for the number, and for the length, are more than enough. */
const maxHeadBytes = 64;
const maxBytesPerUnit = 3;

/** What `changes` looks like as a line of the file; the next call may overwrite it. */
export function toLine(number: number, changes: string): Buffer {
  const isShort = maxHeadBytes + maxBytesPerUnit * changes.length < scratch.length;
  const bytes = isShort ? scratch : Buffer.allocUnsafe(maxHeadBytes + Buffer.byteLength(changes) + 1);
  const length = bytes.write(changes, maxHeadBytes);
  const end = maxHeadBytes + length;
  bytes[end] = newline;
  // The head ends where the changes begin.
  const numbers = `${number} ${length} `;
  const content = maxHeadBytes - numbers.length;
  bytes.write(numbers, content, "latin1");
  bytes[content - 1] = space;
  const start = content - 1 - checksumDigits;
  writeChecksum(bytes, start, crc32(bytes.subarray(content, end)));
  return bytes.subarray(start, end + 1);
}

/** By hand, because it is done for each commit, and `toString(16)` takes longer than the checksum. */
function writeChecksum(bytes: Buffer, start: number, checksum: number): void {
  for (let index = 0; index < checksumDigits; index++) {
    const digit = (checksum >>> (4 * (checksumDigits - 1 - index))) & 0xf;
    bytes[start + index] = digit < 10 ? zero + digit : letterA + digit - 10;
  }
}

/** The change that gives `key` its `value`. */
export function setting(key: string, value: string): string {
  // Outside of strings they mean nothing in JSON, and inside they are written as `\t` and `\n`.
  return `${JSON.stringify(key)}:${/[\t\n]/.test(value) ? value.replace(/[\t\n]/g, " ") : value}`;
}

/** What is done by a group of commits; without `isSynced`, nobody waits until the disk has it. */
export function changesOf({ cleared, written }: Commit, isSynced: boolean): string {
  const changes: string[] = isSynced ? [] : [unsynced];
  for (const prefix of cleared) changes.push(`*${JSON.stringify(prefix)}`);
  for (const [key, value] of written)
    changes.push(value === undefined ? `-${JSON.stringify(key)}` : setting(key, value));
  return changes.join(separator);
}

/**
 * Where the changes of a line are, when it is as it was written; `undefined` when it is not. With `number`, it must be
 * that line.
 */
export function findChanges(bytes: Buffer, { start, end }: Place, number?: number): Place | undefined {
  const content = start + checksumDigits + 1;
  const afterNumber = bytes.indexOf(space, content);
  const afterLength = afterNumber === -1 ? -1 : bytes.indexOf(space, afterNumber + 1);
  if (afterLength === -1 || afterLength >= end) return undefined;
  if (number !== undefined && numberIn(bytes, content, afterNumber) !== number) return undefined;
  if (numberIn(bytes, afterNumber + 1, afterLength) !== end - afterLength - 1) return undefined;
  if (checksumIn(bytes, start) !== crc32(bytes.subarray(content, end))) return undefined;
  return { start: afterLength + 1, end };
}

export function isEndOfSnapshot(bytes: Buffer, { start, end }: Place): boolean {
  return end - start === endOfSnapshot.length && bytes.toString("latin1", start, end) === endOfSnapshot;
}

export function isUnsynced(bytes: Buffer, { start }: Place): boolean {
  return bytes[start] === tilde;
}

/** Makes the changes in `table`. The checksum has vouched for them. */
export function makeChanges(table: Table, bytes: Buffer, changes: Place): void {
  const line = bytes.subarray(0, changes.end);
  for (let start = changes.start; start < changes.end;) {
    const found = line.indexOf(tab, start);
    const end = found === -1 ? changes.end : found;
    makeChange(table, bytes, { start, end });
    start = end + 1;
  }
}

function makeChange(table: Table, bytes: Buffer, { start, end }: Place): void {
  const kind = bytes[start];
  if (kind === quote) {
    const endOfKey = endOfText(bytes, start);
    table.set(textIn(bytes, start, endOfKey), bytes.toString("utf8", endOfKey + 1, end));
  } else if (kind === minus) table.delete(textIn(bytes, start + 1, end));
  else if (kind === star) table.clear(textIn(bytes, start + 1, end));
  else if (kind !== tilde) throw new TypeError("a change of an unknown kind");
}

/** One past the end of the JSON string that begins at `start`. */
function endOfText(bytes: Buffer, start: number): number {
  let index = start + 1;
  while (bytes[index] !== quote) index += bytes[index] === backslash ? 2 : 1;
  return index + 1;
}

function textIn(bytes: Buffer, start: number, end: number): string {
  return JSON.parse(bytes.toString("utf8", start, end));
}

/** The number that is written in decimal digits; `NaN` when anything else is there. */
function numberIn(bytes: Buffer, start: number, end: number): number {
  let number = 0;
  for (let index = start; index < end; index++) {
    const digit = (bytes[index] ?? 0) - zero;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

function checksumIn(bytes: Buffer, start: number): number {
  let checksum = 0;
  for (let index = start; index < start + checksumDigits; index++) {
    const byte = bytes[index] ?? 0;
    const digit = byte < letterA ? byte - zero : byte - letterA + 10;
    const isDigit = byte < letterA ? digit >= 0 && digit <= 9 : digit <= 15;
    if (!isDigit) return Number.NaN;
    checksum = checksum * 16 + digit;
  }
  return bytes[start + checksumDigits] === space ? checksum : Number.NaN;
}
