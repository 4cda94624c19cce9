import { describe, expect, test } from "vitest";
import { toLine } from "./line.js";
import { hasHoles, isBeginning } from "./torn.js";

const line = Buffer.from(toLine(7, `"=key":"${"x".repeat(2000)}"`));

function withZeros(start: number, end: number): Buffer {
  return Buffer.from(line).fill(0, start, end);
}

describe("hasHoles", () => {
  // The line begins 100 bytes into a sector.
  const position = 612;
  const length = position + line.length;

  test.each([
    ["from its beginning to the end of a sector", 0, 412, true],
    ["of one sector", 412, 924, true],
    ["of several sectors", 412, 1436, true],
    ["from a sector to the end of the file", 1436, line.length, true],
    ["that begins in the middle of a sector", 400, 924, false],
    ["that ends in the middle of a sector", 412, 900, false],
    ["of a single byte in the middle", 500, 501, false],
  ])("looks for a hole %s", (_, start, end, expected) => {
    expect(hasHoles(withZeros(start, end), position, length)).toBe(expected);
  });

  test("takes a single zero for a byte that has changed, also between two sectors", () => {
    expect(hasHoles(withZeros(0, 1), 511, 511 + line.length)).toBe(false);
    expect(hasHoles(withZeros(0, 2), 510, 510 + line.length)).toBe(true);
  });

  test("looks for a hole of the last byte, where that is all that is in the last sector", () => {
    const last = line.length - 1;
    expect(hasHoles(withZeros(last, line.length), 512 * 9 - last, 512 * 9 + 1)).toBe(true);
    expect(hasHoles(withZeros(last, line.length), 512 * 9 - last - 1, 512 * 9)).toBe(false);
  });

  test("finds none in a line that was written", () => {
    expect(hasHoles(line, position, length)).toBe(false);
  });
});

describe("isBeginning", () => {
  test("knows every part of a line that has no end yet", () => {
    for (let length = 0; length < line.length; length++) expect(isBeginning(line.subarray(0, length))).toBe(true);
  });

  test("knows a line whose end has changed, and what was never one", () => {
    expect(isBeginning(line)).toBe(false);
    expect(isBeginning(Buffer.concat([line, line.subarray(0, 30)]))).toBe(false);
    expect(isBeginning(Buffer.from("hello"))).toBe(false);
  });
});
