import type { Session } from "./sessions.js";
import type { RoomEvent } from "./event.js";
import type { JsonObject } from "./json.js";
import { visibleContent } from "./redaction.js";
import type { Room } from "./room.js";

/** Who is told about an event, and when. */
export interface Reader {
  readonly session: Session;
  readonly now: number;
}

/**
 * An event in the form in which a sync brings it, without the room ID. Only the device that sent it sees its transaction ID.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-event-format
 */
export function syncEvent(room: Room, event: RoomEvent, reader: Reader): JsonObject {
  const { session, now } = reader;
  const isOwn = event.sender === session.userId && event.transaction?.deviceId === session.deviceId;
  return {
    type: event.type,
    event_id: event.eventId,
    sender: event.sender,
    origin_server_ts: event.originServerTs,
    content: visibleContent(event),
    ...(event.stateKey !== undefined && { state_key: event.stateKey }),
    ...(event.redacts !== undefined && { redacts: event.redacts }),
    unsigned: {
      age: now - event.originServerTs,
      membership: room.membership(session.userId, event.position) ?? "leave",
      ...(isOwn && { transaction_id: event.transaction?.transactionId }),
      ...(event.replaces && {
        prev_content: visibleContent(event.replaces),
        prev_sender: event.replaces.sender,
        replaces_state: event.replaces.eventId,
      }),
      ...(event.redactedBecause && {
        redacted_because: clientEvent(room, event.redactedBecause, reader),
        redacted_by: event.redactedBecause.eventId,
      }),
    },
  };
}

/** An event in the form of every other endpoint, with the room ID. */
export function clientEvent(room: Room, event: RoomEvent, reader: Reader): JsonObject {
  return { room_id: room.roomId, ...syncEvent(room, event, reader) };
}

/** A state event in the form for users who are not in the room. */
export function strippedEvent(event: RoomEvent): JsonObject {
  return { type: event.type, sender: event.sender, state_key: event.stateKey, content: visibleContent(event) };
}
