import { isJsonObject, type JsonObject } from "./json.js";

/**
 * An event of a room, in the specification's spelling.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-event-format
 */
export interface RoomEvent {
  readonly type: string;
  readonly event_id: string;
  readonly sender: string;
  /** Milliseconds since 1970, as the sender's homeserver had it: not to be trusted. */
  readonly origin_server_ts: number;
  readonly content: JsonObject;
  /** Present in state events only, where it may be empty. */
  readonly state_key?: string | undefined;
  readonly unsigned?: JsonObject | undefined;
}

/** Tells whether what came over the wire has all that the specification requires of an event. */
export function isRoomEvent(value: unknown): value is RoomEvent {
  return (
    isJsonObject(value) &&
    typeof value["type"] === "string" &&
    typeof value["event_id"] === "string" &&
    typeof value["sender"] === "string" &&
    typeof value["origin_server_ts"] === "number" &&
    isJsonObject(value["content"]) &&
    (value["state_key"] === undefined || typeof value["state_key"] === "string") &&
    (value["unsigned"] === undefined || isJsonObject(value["unsigned"]))
  );
}
