import { ConnectionError } from "./errors.js";
import { isJsonObject, type Json, type JsonObject } from "./json.js";

/** The object that the specification requires as an answer. */
export function objectOf(answer: Json): JsonObject {
  if (isJsonObject(answer)) return answer;
  throw new ConnectionError("Cannot use the homeserver's answer: it is not a JSON object");
}

/** A string that the specification requires in an answer. */
export function stringIn(answer: Json, name: string): string {
  const value = objectOf(answer)[name];
  if (typeof value === "string" && value !== "") return value;
  throw new ConnectionError(
    `Cannot use the homeserver's answer: its "${name}" is ${value === null ? "null" : typeof value}`,
  );
}
