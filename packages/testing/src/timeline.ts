import { syncEvent } from "./client-event.js";
import type { Reader } from "./client-event.js";
import type { RoomEvent } from "./event.js";
import type { SyncFilter } from "./filter.js";
import type { JsonObject } from "./json.js";
import type { Room } from "./room.js";
import { tokenOf } from "./stream.js";
import { canSee } from "./visibility.js";

/** The part of a room that a sync tells. */
export interface Span {
  /** The position after which everything is new to the client. */
  readonly after: number;
  readonly until: number;
  readonly reader: Reader;
  readonly filter: SyncFilter;
}

/** The last events of a span, as many as the filter allows. */
export interface Timeline {
  readonly events: readonly RoomEvent[];
  /** Whether the span has more of them. */
  readonly isLimited: boolean;
  /** The position before the first one. */
  readonly start: number;
}

export function timelineOf(room: Room, { after, until, reader, filter }: Span): Timeline {
  const events: RoomEvent[] = [];
  let isLimited = false;
  for (let i = room.events.length - 1; i >= 0 && !isLimited; i--) {
    const event = room.events[i];
    if (event === undefined || event.position <= after) break;
    if (event.position > until || !canSee(room, event, reader.session.userId)) continue;
    if (!filter.timeline.matches(event)) continue;
    if (events.length === filter.timeline.limit) isLimited = true;
    else events.unshift(event);
  }
  const first = events[0];
  return { events, isLimited, start: first === undefined ? until : first.position - 1 };
}

/**
 * The state before a timeline: what in it is newer than `after`. With lazily loaded members it has, of the members, only those who
 * have sent something in the timeline, and these however old they are.
 */
export function stateBefore(room: Room, { start, events }: Timeline, { after, reader, filter }: Span): RoomEvent[] {
  const senders = new Set(events.map(({ sender }) => sender));
  return room.state(start).filter((event) => {
    const { type, stateKey = "", position } = event;
    if (!filter.state.matches(event)) return false;
    if (!filter.state.lazyLoadMembers || type !== "m.room.member") return position > after;
    return senders.has(stateKey) || (stateKey === reader.session.userId && position > after);
  });
}

/** A timeline and the state before it, as a sync has them. */
export function tell(room: Room, timeline: Timeline, state: readonly RoomEvent[], reader: Reader): JsonObject {
  return {
    timeline: {
      events: timeline.events.map((event) => syncEvent(room, event, reader)),
      limited: timeline.isLimited,
      prev_batch: tokenOf(timeline.start),
    },
    state: { events: state.map((event) => syncEvent(room, event, reader)) },
    account_data: { events: [] },
  };
}
