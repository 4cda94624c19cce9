import type { RoomEvent } from "./event.js";
import type { JsonObject } from "./json.js";

// What a redaction leaves, by type; of every other type it leaves nothing.
const KEPT: ReadonlyMap<string, readonly string[]> = new Map([
  ["m.room.member", ["membership", "join_authorised_via_users_server"]],
  ["m.room.join_rules", ["join_rule", "allow"]],
  ["m.room.history_visibility", ["history_visibility"]],
  ["m.room.redaction", ["redacts"]],
  [
    "m.room.power_levels",
    ["ban", "events", "events_default", "invite", "kick", "redact", "state_default", "users", "users_default"],
  ],
]);

/** Marks an event as redacted. The first redaction counts. */
export function redact(target: RoomEvent, redaction: RoomEvent): void {
  target.redactedBecause ??= redaction;
}

/**
 * The content of an event, or what its redaction has left of it.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v11/#redactions
 */
export function visibleContent(event: RoomEvent): JsonObject {
  if (event.redactedBecause === undefined || event.type === "m.room.create") return event.content;
  const kept = KEPT.get(event.type) ?? [];
  return Object.fromEntries(Object.entries(event.content).filter(([field]) => kept.includes(field)));
}
