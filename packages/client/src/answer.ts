import { ConnectionError } from "./errors.js";
import type { JsonObject } from "./json.js";

/** A string that the specification requires in an answer. */
export function stringIn(answer: JsonObject, name: string): string {
  const value = answer[name];
  if (typeof value === "string") return value;
  throw new ConnectionError(
    `Cannot use the homeserver's answer: its "${name}" is ${value === null ? "null" : typeof value}`,
  );
}
