import { isJsonObject, type Json, type JsonObject } from "./json.js";
import { EventReceived, Invited, InvalidEvent, RoomLeft, TimelineGap } from "./messages.js";
import { isRoomEvent } from "./room-event.js";

/** A message that the answer to a sync is made of, and an ID by which it is known when the same comes again. */
export interface News {
  readonly id: string;
  readonly message: object;
}

/**
 * What the answer to a sync brings, in the order in which it is published. A part of the answer that is not what the specification
 * says takes nothing else with it.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
 */
export function* newsIn(answer: Json, isFirst: boolean): Generator<News> {
  const { invite, join, leave } = objectIn(isJsonObject(answer) ? answer : {}, "rooms");
  for (const [roomId, room] of entriesOf(invite)) {
    const inviteState = listIn(objectIn(room, "invite_state"), "events").filter(isJsonObject);
    yield { id: `invited ${roomId}`, message: new Invited(roomId, inviteState) };
  }
  for (const [roomId, room] of entriesOf(join)) yield* timelineOf(roomId, room, isFirst);
  for (const [roomId, room] of entriesOf(leave)) {
    yield* timelineOf(roomId, room, isFirst);
    yield { id: `left ${roomId}`, message: new RoomLeft(roomId) };
  }
}

function* timelineOf(roomId: string, room: JsonObject, isFirst: boolean): Generator<News> {
  const timeline = objectIn(room, "timeline");
  const { limited, prev_batch: prevBatch } = timeline;
  const from = typeof prevBatch === "string" ? prevBatch : undefined;
  // In the first sync, what is older is history and not a gap.
  if (limited === true && !isFirst) {
    yield { id: `gap ${roomId} ${from}`, message: new TimelineGap(roomId, from) };
  }
  for (const [index, event] of listIn(timeline, "events").entries()) {
    if (isRoomEvent(event)) {
      yield { id: `event ${roomId} ${event.event_id}`, message: new EventReceived(roomId, event) };
    } else {
      yield { id: `invalid ${roomId} ${from} ${index}`, message: new InvalidEvent(roomId, event) };
    }
  }
}

function entriesOf(rooms: Json | undefined): [roomId: string, room: JsonObject][] {
  if (!isJsonObject(rooms)) return [];
  return Object.entries(rooms).filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1]));
}

function objectIn(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isJsonObject(value) ? value : {};
}

function listIn(object: JsonObject, name: string): readonly Json[] {
  const value = object[name];
  return Array.isArray(value) ? value : [];
}
