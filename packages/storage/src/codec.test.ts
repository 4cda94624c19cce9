import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode } from "./codec.js";
import type { StorageValue } from "./storage.js";

const { value } = fc.letrec<{ value: StorageValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.jsonValue({ maxDepth: 1 }).map((json): StorageValue => JSON.parse(JSON.stringify(json))),
    fc.uint8Array(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom("$bytes", "$$bytes", "$$$bytes", "bytes", "__proto__", "toJSON", "a"), tie("value"), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  ),
}));

describe("encode and decode", () => {
  test("give back any value, and write it down the same way each time", () => {
    fc.assert(
      fc.property(value, (given) => {
        const text = encode(given);
        const read = decode(text);
        expect(read).toStrictEqual(given);
        expect(encode(read)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  test("write plain JSON for a plain value", () => {
    expect(encode({ a: [1, "2", null], b: { $bytes: 1, c: 2 } })).toBe('{"a":[1,"2",null],"b":{"$bytes":1,"c":2}}');
  });

  test("write bytes as base64, and keep an object that looks like it apart", () => {
    expect(encode(Uint8Array.of(1, 2, 255))).toBe('{"$bytes":"AQL/"}');
    expect(encode({ $bytes: "AQL/" })).toBe('{"$$bytes":"AQL/"}');
  });

  test("take bytes of another realm for bytes", () => {
    const given: Uint8Array = runInNewContext("Uint8Array.of(1, 2, 255)");
    expect(given).not.toBeInstanceOf(Uint8Array);
    expect(decode(encode({ given }))).toEqual({ given: Uint8Array.of(1, 2, 255) });
  });

  test("turn -0 into 0", () => {
    expect(decode(encode(-0))).toBe(0);
  });

  test("leave no trace in the prototype of an object", () => {
    const given: StorageValue = JSON.parse('{"__proto__":{"polluted":true}}');
    const read = decode(encode({ given, bytes: Uint8Array.of(1) }));
    const [[, inner]] = Object.entries(read as Record<string, object>) as [[string, object]];
    expect(Object.entries(inner)).toEqual([["__proto__", { polluted: true }]]);
    expect(Object.getPrototypeOf(inner)).toBe(Object.prototype);
  });

  test("refuse a date, which would become a text, and say where it is", () => {
    expect(() => encode({ sessions: [{ "expires at": new Date(0) }] })).toThrow(
      'Cannot store value.sessions[0]["expires at"]: it is an instance of Date; a storage keeps JSON and Uint8Array',
    );
  });

  test("refuse bytes that are not base64", () => {
    expect(() => decode('{"$bytes":17}')).toThrow("not base64");
    expect(() => decode('{"$bytes":"?"}')).toThrow();
  });
});
