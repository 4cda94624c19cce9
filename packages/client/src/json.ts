/** A value that came out of JSON, or can go into it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object as it came over the wire: nothing is known of its values until somebody has looked. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Tells whether a value that came out of JSON is an object: neither `null` nor an array nor a primitive. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
