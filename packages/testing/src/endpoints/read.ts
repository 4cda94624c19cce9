import type { Call } from "../call.js";
import { clientEvent } from "../client-event.js";
import type { Reader } from "../client-event.js";
import { membershipOf } from "../event.js";
import { readEventFilter } from "../filter.js";
import type { Homeserver } from "../homeserver.js";
import { isObject } from "../json.js";
import type { JsonObject } from "../json.js";
import { MatrixError, forbidden, notFound } from "../matrix-error.js";
import { answerMessages } from "../messages.js";
import { visibleContent } from "../redaction.js";
import type { Room } from "../room.js";
import type { Endpoint } from "../router.js";
import { positionOf } from "../stream.js";
import { canSee, notInRoom, readableUntil } from "../visibility.js";

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 1000;

interface Reading {
  readonly room: Room;
  readonly reader: Reader;
  /** The last position that the reader may see. */
  readonly until: number;
}

/** Reading rooms: events, state, members and history. Who has left reads what was there when they left. */
export function readEndpoints(homeserver: Homeserver): Endpoint[] {
  const read = (call: Call): Reading => {
    const reader = call.reader();
    const roomId = call.parameter("roomId");
    const room = homeserver.rooms.get(roomId);
    if (room === undefined) throw notInRoom(reader.session.userId, roomId);
    return { room, reader, until: readableUntil(room, reader.session.userId) };
  };

  const readState = (call: Call, stateKey: string): JsonObject => {
    const { room, reader, until } = read(call);
    const format = call.word("format", ["content", "event"]) ?? "content";
    const event = room.stateEvent(call.parameter("eventType"), stateKey, until);
    if (event === undefined) throw notFound("Event not found.");
    return format === "event" ? clientEvent(room, event, reader) : visibleContent(event);
  };

  return [
    {
      method: "GET",
      path: "/_matrix/client/v3/rooms/{roomId}/event/{eventId}",
      answer(call) {
        const reader = call.reader();
        const room = homeserver.rooms.get(call.parameter("roomId"));
        const event = room?.event(call.parameter("eventId"));
        const isVisible = room !== undefined && event !== undefined && canSee(room, event, reader.session.userId);
        if (!isVisible) throw notFound("Event not found.");
        return clientEvent(room, event, reader);
      },
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/rooms/{roomId}/state",
      answer(call) {
        const { room, reader, until } = read(call);
        return room.state(until).map((event) => clientEvent(room, event, reader));
      },
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/rooms/{roomId}/state/{eventType}",
      answer: (call) => readState(call, ""),
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}",
      answer: (call) => readState(call, call.parameter("stateKey")),
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/rooms/{roomId}/members",
      answer(call) {
        const { room, reader, until } = read(call);
        const [wanted, unwanted] = [call.query.get("membership"), call.query.get("not_membership")];
        const members = room.state(until).filter((event) => {
          const membership = membershipOf(event);
          return (
            event.type === "m.room.member" && (wanted === null || membership === wanted) && membership !== unwanted
          );
        });
        return { chunk: members.map((event) => clientEvent(room, event, reader)) };
      },
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/rooms/{roomId}/joined_members",
      answer(call) {
        const { room, until } = read(call);
        if (until !== Infinity) {
          throw forbidden("Getting joined members while not being a current member of the room is forbidden.");
        }
        const joined = room.members(["join"]).map(({ stateKey, content }) => {
          return [stateKey, { display_name: content["displayname"] ?? null, avatar_url: null }] as const;
        });
        return { joined: Object.fromEntries(joined) };
      },
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/rooms/{roomId}/messages",
      answer(call) {
        const { room, reader } = read(call);
        const direction = call.word("dir", ["b", "f"]) ?? "f";
        const limit = Math.min(call.integer("limit") ?? DEFAULT_LIMIT, MAX_LIMIT);
        const start = direction === "b" ? homeserver.stream.position : 0;
        const from = tokenIn(call, "from") ?? start;
        const filter = readEventFilter(filterIn(call));
        return answerMessages(room, reader, { direction, from, to: tokenIn(call, "to"), limit, filter });
      },
    },
  ];
}

function tokenIn(call: Call, name: string): number | undefined {
  const token = call.query.get(name);
  if (token === null) return undefined;
  const position = positionOf(token);
  if (position === undefined) throw new MatrixError(400, "M_UNKNOWN", `'${name}' parameter is invalid`);
  return position;
}

function filterIn(call: Call): JsonObject {
  const text = call.query.get("filter") ?? "{}";
  try {
    const filter: unknown = JSON.parse(text);
    if (isObject(filter)) return filter;
  } catch {
    // Refused below, like every other text that is no object.
  }
  throw new MatrixError(400, "M_NOT_JSON", "Query parameter filter must be a valid JSON object");
}
