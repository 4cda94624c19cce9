import type { Json } from "./json.js";

/** What a text is as JSON; `undefined` when it is none. */
export function parseJson(text: string): Json | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it comes out of JSON
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
