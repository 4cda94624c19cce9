import { inspect } from "node:util";

/** What the secrets of a test have in them, and nothing else has. The tokens of a FakeHomeserver are known by their beginnings. */
export const marker = "Hush7";

const tokens = ["syt_", "syr_", "syl_"];

/** The middle of what base64 makes of a text, wherever the text begins: its first and last letters depend on what is beside it. */
function base64Of(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const whole = Buffer.from("?".repeat(before) + text).toString("base64url");
    return whole.slice(Math.ceil((before * 8) / 6), Math.floor(((before + text.length) * 8) / 6));
  });
}

const secret = new RegExp(
  [marker, ...base64Of(marker), ...tokens.map((token) => `${token}[\\w-]{4}`), ...tokens.flatMap(base64Of)].join("|"),
);

/** The places at which a value shows a secret, however it is looked at; none when it is well. */
export function secretsShownBy(value: unknown): string[] {
  return placesIn([...printed(value), ...textsIn(value)]);
}

/** The places at which what can be reached from a value holds a secret; what a getter would answer is not held there. */
export function secretsHeldBy(value: unknown): string[] {
  return placesIn(textsIn(value, "own"));
}

function placesIn(texts: Iterable<string>): string[] {
  return [...new Set(texts)].flatMap((text) => {
    const index = text.search(secret);
    return index === -1 ? [] : [text.slice(Math.max(0, index - 150), index + 80)];
  });
}

/** What loggers and crash reports make of a value. */
function printed(value: unknown): string[] {
  const ways: ((value: unknown) => string | undefined)[] = [
    (shown) => inspect(shown, { depth: 10, showHidden: true, getters: true, maxStringLength: null }),
    (shown) => JSON.stringify(shown),
    String,
    (shown) => (shown instanceof Error ? inspect(structuredClone(shown), { depth: 10, showHidden: true }) : undefined),
  ];
  return ways.flatMap((way) => {
    try {
      return way(value) ?? [];
    } catch {
      // Not everything can be shown in every way.
      return [];
    }
  });
}

/** All texts that can be reached by keys and symbols, hidden ones and getters too, by Maps and Sets: everything but what is private. */
function textsIn(root: unknown, properties: "all" | "own" = "all"): Set<string> {
  const texts = new Set<string>();
  const seen = new Set<unknown>();
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === "string") texts.add(value);
    if (typeof value === "symbol") texts.add(value.description ?? "");
    const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
    if (!isObject || seen.has(value)) continue;
    seen.add(value);
    if (ArrayBuffer.isView(value)) texts.add(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString());
    else waiting.push(...partsOf(value, properties));
  }
  return texts;
}

function* partsOf(object: object, properties: "all" | "own"): Generator {
  if (object instanceof Map) for (const entry of object) yield* entry as [unknown, unknown];
  if (object instanceof Set) yield* object;
  for (let owner: object | null = object; owner && owner !== Object.prototype; owner = Object.getPrototypeOf(owner)) {
    for (const key of Reflect.ownKeys(owner)) {
      const isGetter = Reflect.getOwnPropertyDescriptor(owner, key)?.get !== undefined;
      if (properties === "own" ? isGetter || owner !== object : owner !== object && !isGetter) continue;
      yield key;
      try {
        yield Reflect.get(object, key);
      } catch {
        // A getter for others.
      }
    }
  }
}
