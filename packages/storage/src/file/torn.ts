/*
 * What a crash, or a loss of power, leaves of a line that was being written: its beginning, or all of it with holes,
 * where a part never got from memory to the disk. Holes are read as zero bytes, which no line of ours holds.
 */

/** No disk writes less than that at a time. */
const sectorBytes = 512;

/** A single zero is a byte that has changed, not one that was never written. */
const minHoleBytes = 2;

/** As much of the head of a line as there may be: see `line.ts`. */
const beginningOfHead = /^[0-9a-f]{0,8}$|^[0-9a-f]{8} \d*$|^[0-9a-f]{8} \d+ \d*$/;
const head = /^[0-9a-f]{8} \d+ (\d+) /;
const maxHeadBytes = 64;

/** Tells whether `line`, which has no end, is the beginning of one, and not one whose end has changed. */
export function isBeginning(line: Buffer): boolean {
  const text = line.toString("latin1", 0, maxHeadBytes);
  const found = head.exec(text);
  if (found === null) return beginningOfHead.test(text);
  return line.length <= found[0].length + Number(found[1]);
}

/**
 * Tells whether `line`, which is at `position` of a file of `fileLength`, has holes, and every one of them is where a
 * disk would leave one: from sector to sector, or where the line begins or the file ends.
 */
export function hasHoles(line: Buffer, position: number, fileLength: number): boolean {
  let count = 0;
  for (let start = line.indexOf(0); start !== -1; count++) {
    let end = start + 1;
    while (line[end] === 0) end++;
    const isStart = start === 0 || (position + start) % sectorBytes === 0;
    const isEnd = position + end === fileLength || (position + end) % sectorBytes === 0;
    // The last byte of a file may be all that is in its sector.
    const isLarge =
      end - start >= minHoleBytes || (position + end === fileLength && (position + start) % sectorBytes === 0);
    if (!isStart || !isEnd || !isLarge) return false;
    start = line.indexOf(0, end);
  }
  return count > 0;
}
