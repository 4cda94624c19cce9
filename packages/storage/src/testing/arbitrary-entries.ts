import fc from "fast-check";
import type { StorageValue } from "../storage.js";

/** Names of namespaces, from the outermost in: few, so that they meet, and odd ones. */
export const arbitraryPath: fc.Arbitrary<readonly string[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("a", "b") },
    { weight: 1, arbitrary: fc.constantFrom("", "A", "a/", "=", "%", "%2F", "__proto__") },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 4 }) },
  ),
  { maxLength: 2 },
);

export const arbitraryKey: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("a", "ab", "b") },
  { weight: 1, arbitrary: fc.constantFrom("", "=a", "a/=b", "__proto__", "\u2028\u0085") },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 4 }) },
);

const json: fc.Arbitrary<StorageValue> = fc.jsonValue({ maxDepth: 3 }).map((value) => {
  // `-0` becomes `0`.
  const written: StorageValue = JSON.parse(JSON.stringify(value));
  return written;
});

export const arbitraryValue: fc.Arbitrary<StorageValue> = fc.oneof(
  { weight: 2, arbitrary: fc.nat(9) },
  { weight: 2, arbitrary: json },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }) },
  { weight: 1, arbitrary: fc.record({ $bytes: fc.oneof(json, fc.uint8Array()) }, { noNullPrototype: true }) },
);
