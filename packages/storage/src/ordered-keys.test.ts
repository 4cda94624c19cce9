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
