import { expect, test } from "vitest";
import type { Commit } from "../engine.js";
import { batchesOf } from "./commit-batches.js";

const nothing: Commit = { expected: new Map(), cleared: [], written: new Map() };

function writing(from: number, count: number, value = "1"): Commit {
  const written = Array.from({ length: count }, (_, index): [string, string] => [`=${from + index}`, value]);
  return { ...nothing, written: new Map(written) };
}

test("commits that are made in any case become one, in which the last write counts", () => {
  const [batch, ...others] = batchesOf([writing(1, 2, "1"), writing(2, 2, "2")]);
  expect(others).toEqual([]);
  expect(batch?.sizes).toEqual([2]);
  expect(batch?.commits).toEqual([
    {
      ...nothing,
      written: new Map([
        ["=1", "1"],
        ["=2", "2"],
        ["=3", "2"],
      ]),
    },
  ]);
});

test("commits that expect something stay what they are", () => {
  const expecting = { ...writing(5, 1), expected: new Map([["=a", "1"]]) };
  const clearing = { ...writing(6, 1), cleared: ["n/"] };
  const given = [writing(1, 1), expecting, writing(2, 1), clearing, writing(3, 1), writing(4, 1)];
  const [batch] = batchesOf(given);
  expect(batch?.sizes).toEqual([1, 1, 1, 1, 2]);
  expect(batch?.commits[1]).toBe(expecting);
  expect(batch?.commits[3]).toBe(clearing);
});

test("a large group is divided, and a large commit is not", () => {
  const many = batchesOf([writing(0, 4000), writing(4000, 4000), writing(8000, 900), writing(0, 20_000)]);
  expect(many.map(({ sizes }) => sizes)).toEqual([[1], [2], [1]]);
  const long = "x".repeat(600 * 1024);
  expect(batchesOf([writing(0, 1, long), writing(1, 1, long), writing(2, 4, long)])).toHaveLength(3);
});

test("what is given is not changed", () => {
  const given = [writing(0, 1), writing(1, 1)];
  batchesOf(given);
  expect(given.map(({ written }) => written.size)).toEqual([1, 1]);
});
