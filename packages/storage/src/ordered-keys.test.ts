import fc from "fast-check";
import { expect, test } from "vitest";
import { compareCodePoints } from "./code-points.js";
import { OrderedKeys } from "./ordered-keys.js";

const text = fc.string({ unit: "binary", maxLength: 6 });

test("compareCodePoints puts texts in the order of their UTF-8 bytes", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test("OrderedKeys holds what a sorted set holds", () => {
  fc.assert(
    fc.property(fc.array(text), fc.array(text), text, text, fc.nat(5), (added, deleted, prefix, after, limit) => {
      const keys = new OrderedKeys(new Set(added.slice(0, 3)));
      for (const key of added) keys.add(key);
      for (const key of deleted) keys.delete(key);
      const left = [...new Set(added)].filter((key) => !deleted.includes(key)).toSorted(compareCodePoints);
      const matching = left.filter((key) => key.startsWith(prefix));
      expect(keys.list(prefix, after, limit)).toEqual(
        matching.filter((key) => compareCodePoints(key, after) > 0).slice(0, limit),
      );
      expect(keys.deleteAll(prefix)).toEqual(matching);
      expect(keys.all).toEqual(left.filter((key) => !matching.includes(key)));
    }),
  );
});

test("OrderedKeys holds many keys, whatever order they come and go in", () => {
  const name = (number: number): string => String(number).padStart(4, "0");
  const inOrder = Array.from({ length: 5000 }, (_, number) => name(number));
  // A step that shares no factor with the length visits each once.
  const mixed = inOrder.map((_, index) => name((index * 1777) % inOrder.length));
  for (const given of [inOrder, inOrder.toReversed(), mixed]) {
    const keys = new OrderedKeys(given.slice(0, 2000));
    for (const key of given) keys.add(key);
    expect(keys.all).toEqual(inOrder);
    expect(keys.list("", name(511), 1000)).toEqual(inOrder.slice(512, 1512));
    expect(keys.deleteAll("1")).toEqual(inOrder.slice(1000, 2000));
    expect(keys.list("", name(998), 2)).toEqual(["0999", "2000"]);
    for (const key of mixed.slice(0, 4900)) keys.delete(key);
    const left = mixed.slice(4900).filter((key) => !key.startsWith("1"));
    expect(keys.all).toEqual(left.toSorted());
    for (const key of given) keys.add(key);
    expect(keys.all).toEqual(inOrder);
    expect(keys.deleteAll("")).toEqual(inOrder);
    expect(keys.all).toEqual([]);
    keys.add("a");
    expect(keys.list("", "", 2)).toEqual(["a"]);
  }
});
