import { clientEvent } from "./client-event.js";
import type { Reader } from "./client-event.js";
import type { EventFilter } from "./filter.js";
import type { JsonObject } from "./json.js";
import type { Room } from "./room.js";
import { tokenOf } from "./stream.js";
import { canSee } from "./visibility.js";

/** One page of a room's events. */
export interface PageRequest {
  readonly direction: "b" | "f";
  /** The position to start from. */
  readonly from: number;
  /** The position to stop at. */
  readonly to: number | undefined;
  readonly limit: number;
  readonly filter: EventFilter;
}

/**
 * Answers a page of the events that the reader may see, back from a position or forth. It has no `end` when it has no events: then
 * there are no more.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages
 */
export function answerMessages(room: Room, reader: Reader, page: PageRequest): JsonObject {
  const { direction, from, to, limit, filter } = page;
  const isBack = direction === "b";
  const low = isBack ? (to ?? 0) : from;
  const high = isBack ? from : (to ?? Infinity);
  const events = room.events.filter(
    (event) =>
      event.position > low &&
      event.position <= high &&
      filter.matches(event) &&
      canSee(room, event, reader.session.userId),
  );
  const chunk = (isBack ? events.toReversed() : events).slice(0, limit);
  const last = chunk.at(-1);
  const end = last === undefined ? from : last.position - (isBack ? 1 : 0);
  return {
    chunk: chunk.map((event) => clientEvent(room, event, reader)),
    start: tokenOf(from),
    ...((last !== undefined || limit === 0) && { end: tokenOf(end) }),
  };
}
