import { badJson } from "./matrix-error.js";

/** An object as JSON has it: nothing is known about its values until they are looked at. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value that these bytes are the JSON of; undefined where they are no JSON. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/**
 * Refuses numbers that canonical JSON does not have: fractions, and integers beyond 2^53.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#canonical-json
 */
export function checkCanonical(value: unknown): void {
  if (typeof value === "number") {
    if (!Number.isInteger(value)) throw badJson("Bad JSON value: float");
    if (!Number.isSafeInteger(value)) throw badJson("JSON integer out of range");
  } else if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) checkCanonical(inner);
  }
}
