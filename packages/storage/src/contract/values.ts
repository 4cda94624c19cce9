import assert from "node:assert/strict";
import type { StorageValue } from "../storage.js";
import type { Behaviour } from "./behaviour.js";

/** Values that some serialisation or other does not give back. */
const oddValues: readonly StorageValue[] = [
  null,
  true,
  false,
  0,
  -1.5,
  1e21,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_VALUE,
  "",
  "text",
  "\0",
  "half a pair \ud83d",
  ":colon",
  ":base64:AAEC",
  ':bigint:1"',
  "😀 é \u{2028}",
  "x".repeat(100_000),
  [],
  {},
  [[], [{}], null],
  { a: { b: [1, "2", null] }, "": 0, "odd key=/": false },
  { toJSON: "data", constructor: null, hasOwnProperty: 1, valueOf: [] },
  parsed('{"__proto__":{"polluted":true},"prototype":{}}'),
  parsed('{"a":{"__proto__":null}}'),
  { $bytes: "AAEC" },
  { $bytes: { $bytes: 1 } },
  { $$bytes: "AAEC", a: 1 },
  { value: 1, expires: 1 },
];

function parsed(json: string): StorageValue {
  const value: StorageValue = JSON.parse(json);
  return value;
}

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);

const bytes: readonly StorageValue[] = [
  new Uint8Array(),
  everyByte,
  new Uint8Array(20_000).fill(255),
  { key: everyByte, $bytes: everyByte },
  { $bytes: everyByte },
  parsedAnd('{"__proto__":{"a":1}}', everyByte),
  [everyByte, [everyByte, { $$bytes: [everyByte] }]],
];

function parsedAnd(json: string, more: StorageValue): StorageValue {
  return [parsed(json), more];
}

class Session {
  readonly token = "secret";
}

function withHidden(value: object, key: string | symbol, hidden: unknown): object {
  return Object.defineProperty(value, key, { value: hidden, enumerable: false });
}

/** What is neither JSON nor bytes, where it is, and what is said about it. */
const refused: readonly [value: unknown, message: RegExp][] = [
  [undefined, /value: it is undefined/],
  [{ a: undefined }, /value\.a: it is undefined/],
  [[1, undefined], /value\[1\]: it is undefined/],
  [Array.from({ length: 2 }), /value\[0\]: it is undefined/],
  [() => 1, /value: it is a function/],
  [{ toJSON: () => 1 }, /value\.toJSON: it is a function/],
  [[1, withHidden({}, "toJSON", () => 1)], /value\[1\]\.toJSON: it is a function/],
  [withHidden([1], "toJSON", () => 1), /value\.toJSON: it is a function/],
  ["text".match(/t/), /value: it is an array with keys of its own/],
  [withHidden([1], Symbol("s"), 1), /value: it is an array with keys of its own/],
  [Symbol("s"), /value: it is a symbol/],
  [{ [Symbol("s")]: 1 }, /value: .*symbol/],
  [1n, /value: it is a bigint/],
  [Number.NaN, /value: it is NaN/],
  [{ sessions: [0, 1, 2, { expires: Infinity }] }, /value\.sessions\[3\]\.expires: it is Infinity/],
  [{ "odd key": /a pattern/ }, /value\["odd key"\]: it is an instance of RegExp/],
  [new Map(), /instance of Map/],
  [new Set(), /instance of Set/],
  [new Error("e"), /instance of Error/],
  [new URL("https://example.org"), /instance of URL/],
  [new Session(), /instance of Session/],
  [new Uint16Array(1), /instance of Uint16Array/],
  [new ArrayBuffer(1), /instance of ArrayBuffer/],
  [Promise.resolve(), /instance of Promise/],
];

export const valueBehaviours: readonly Behaviour[] = [
  {
    behaviour: "gives back every JSON value as it was",
    async check(fixture) {
      await using storage = await fixture.open();
      for (const value of oddValues) {
        await storage.set("value", value);
        assert.deepEqual(await storage.get("value"), value);
      }
    },
  },
  {
    behaviour: "gives back bytes, wherever they are in a value",
    async check(fixture) {
      await using storage = await fixture.open();
      for (const value of bytes) {
        await storage.set("value", value);
        assert.deepEqual(await storage.get("value"), value);
      }
      await storage.set("value", Buffer.from("text"));
      assert.deepEqual(await storage.get("value"), new Uint8Array(Buffer.from("text")));
    },
  },
  {
    behaviour: "gives values that nobody can change for others",
    async check(fixture) {
      await using storage = await fixture.open();
      const given = { list: [1], bytes: Uint8Array.of(1) };
      await storage.set("value", given);
      given.list.push(2);
      given.bytes[0] = 2;
      const stored = { list: [1], bytes: Uint8Array.of(1) };
      for (let times = 0; times < 3; times++) {
        const value = await storage.get("value");
        assert.deepEqual(value, stored);
        assert.ok(typeof value === "object" && value !== null && "list" in value && "bytes" in value);
        assert.throws(() => Object.assign(value, { list: [] }), TypeError);
        assert.throws(() => Array.prototype.push.call(value.list, 2), TypeError);
        assert.ok(value.bytes instanceof Uint8Array);
        value.bytes[0] = 3;
      }
      assert.deepEqual(await storage.getMany(["value"]), [stored]);
      for await (const entry of storage.entries()) assert.deepEqual(entry, ["value", stored]);
    },
  },
  {
    behaviour: "refuses what is neither JSON nor bytes, says where it is, and keeps the value from before",
    async check(fixture) {
      await using storage = await fixture.open();
      await storage.set("value", "before");
      for (const [value, message] of refused) {
        // @ts-expect-error: what a caller without types may do
        await assert.rejects(storage.set("value", value), { name: "TypeError", message });
      }
      assert.equal(await storage.get("value"), "before");
    },
  },
  {
    behaviour: "refuses a value that contains itself, or is nested too deep",
    async check(fixture) {
      await using storage = await fixture.open();
      const cycle: { [key: string]: StorageValue } = {};
      cycle["self"] = [cycle];
      await assert.rejects(storage.set("value", cycle), { name: "TypeError", message: /contains itself/ });
      let deep: StorageValue = [];
      for (let depth = 0; depth < 100_000; depth++) deep = [deep];
      await assert.rejects(storage.set("value", deep), { name: "TypeError", message: /100 levels/ });
      let allowed: StorageValue = "bottom";
      for (let depth = 0; depth < 100; depth++) allowed = [allowed];
      await storage.set("value", allowed);
      assert.deepEqual(await storage.get("value"), allowed);
    },
  },
  {
    behaviour: "takes a large value, and refuses one that is too large",
    async check(fixture) {
      await using storage = await fixture.open();
      const large = "x".repeat(2 ** 20);
      await storage.set("value", large);
      assert.equal(await storage.get("value"), large);
      const tooLarge = ["x".repeat(2 ** 24)];
      await assert.rejects(storage.set("value", tooLarge), { name: "RangeError", message: /at most 16777216/ });
      assert.equal(await storage.get("value"), large);
    },
  },
];
