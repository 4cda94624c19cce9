import type { EventDraft } from "./event.js";
import { checkCanonical } from "./json.js";
import { MatrixError } from "./matrix-error.js";
import { checkPowerLevels } from "./power-levels.js";

const MAX_EVENT_BYTES = 65_536;
// What stands in an event between homeservers besides: hashes, signatures, links to other events.
const ADDED_BYTES = 480;
const MAX_NAME_BYTES = 255;

// By type: the fields that have to be strings, and whether they have to be there at all.
const TEXT_FIELDS: ReadonlyMap<string, readonly (readonly [field: string, isRequired: boolean])[]> = new Map([
  [
    "m.room.message",
    [
      ["body", true],
      ["msgtype", true],
    ],
  ],
  ["m.room.name", [["name", false]]],
  ["m.room.topic", [["topic", false]]],
]);

/** Refuses an event that cannot exist in any room: too large, not canonical, or malformed for its type. */
export function checkContent(event: EventDraft): void {
  checkCanonical(event.content);
  checkSize("type", event.type, MAX_NAME_BYTES);
  checkSize("state_key", event.stateKey ?? "", MAX_NAME_BYTES);
  for (const [field, isRequired] of TEXT_FIELDS.get(event.type) ?? []) {
    const value = event.content[field];
    if (value === undefined && isRequired) throw new MatrixError(400, "M_UNKNOWN", `'${field}' not in content`);
    if (value !== undefined && typeof value !== "string") {
      throw new MatrixError(400, "M_UNKNOWN", `'${field}' not a string type`);
    }
  }
  if (event.type === "m.room.power_levels") checkPowerLevels(event.content);
  if (Buffer.byteLength(JSON.stringify(event)) + ADDED_BYTES > MAX_EVENT_BYTES) throw tooLarge("event too large");
}

function checkSize(field: string, value: string, maxBytes: number): void {
  if (Buffer.byteLength(value) > maxBytes) throw tooLarge(`'${field}' too large`);
}

function tooLarge(message: string): MatrixError {
  return new MatrixError(413, "M_TOO_LARGE", message);
}
