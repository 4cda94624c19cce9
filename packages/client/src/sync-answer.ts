import { isJsonObject, type JsonObject } from "./json.js";
import { EventReceived, Invited, InvalidEvent, RoomLeft, TimelineGap } from "./messages.js";
import { isRoomEvent } from "./room-event.js";

/**
 * The messages that the answer to a sync is made of, in the order in which they are published. A part of the answer that is not
 * what the specification says takes nothing else with it.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
 */
export function* messagesIn(answer: JsonObject, isFirst: boolean): Generator<object> {
  const { invite, join, leave } = objectIn(answer, "rooms");
  for (const [roomId, room] of entriesOf(invite)) {
    yield new Invited(roomId, listIn(objectIn(room, "invite_state"), "events").filter(isJsonObject));
  }
  for (const [roomId, room] of entriesOf(join)) yield* timelineOf(roomId, room, isFirst);
  for (const [roomId, room] of entriesOf(leave)) {
    yield* timelineOf(roomId, room, isFirst);
    yield new RoomLeft(roomId);
  }
}

function* timelineOf(roomId: string, room: JsonObject, isFirst: boolean): Generator<object> {
  const timeline = objectIn(room, "timeline");
  const { limited, prev_batch: prevBatch } = timeline;
  // In the first sync, what is older is history and not a gap.
  if (limited === true && !isFirst) {
    yield new TimelineGap(roomId, typeof prevBatch === "string" ? prevBatch : undefined);
  }
  for (const event of listIn(timeline, "events")) {
    yield isRoomEvent(event) ? new EventReceived(roomId, event) : new InvalidEvent(roomId, event);
  }
}

function entriesOf(rooms: unknown): [roomId: string, room: JsonObject][] {
  if (!isJsonObject(rooms)) return [];
  return Object.entries(rooms).filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1]));
}

function objectIn(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isJsonObject(value) ? value : {};
}

function listIn(object: JsonObject, name: string): readonly unknown[] {
  const value = object[name];
  return Array.isArray(value) ? value : [];
}
