import type { RoomEvent } from "./event.js";
import { isObject } from "./json.js";
import type { JsonObject } from "./json.js";
import { MatrixError } from "./matrix-error.js";

const DEFAULT_LIMIT = 10;

/** Which events of a room a client wants. */
export interface EventFilter {
  readonly limit: number;
  readonly lazyLoadMembers: boolean;
  matches(event: RoomEvent): boolean;
}

/** What a client wants of a sync. */
export interface SyncFilter {
  readonly timeline: EventFilter;
  readonly state: EventFilter;
  readonly includeLeave: boolean;
  matchesRoom(roomId: string): boolean;
}

/**
 * Reads a filter for syncs.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#filtering
 */
export function readSyncFilter(filter: JsonObject): SyncFilter {
  const room = objectIn(filter, "room");
  const rooms = stringsIn(room, "rooms");
  const notRooms = stringsIn(room, "not_rooms") ?? [];
  return {
    timeline: readEventFilter(objectIn(room, "timeline")),
    state: readEventFilter(objectIn(room, "state")),
    includeLeave: room["include_leave"] === true,
    matchesRoom: (roomId) => (rooms?.includes(roomId) ?? true) && !notRooms.includes(roomId),
  };
}

/** Reads a filter for the events of one room, which is also what `/messages` takes. */
export function readEventFilter(filter: JsonObject): EventFilter {
  const limit = filter["limit"] ?? DEFAULT_LIMIT;
  if (typeof limit !== "number") throw invalid("limit", "number");
  const types = stringsIn(filter, "types");
  const notTypes = stringsIn(filter, "not_types") ?? [];
  const senders = stringsIn(filter, "senders");
  const notSenders = stringsIn(filter, "not_senders") ?? [];
  return {
    limit: Math.max(1, Math.floor(limit)),
    lazyLoadMembers: filter["lazy_load_members"] === true,
    matches: ({ type, sender }) =>
      (types?.some((pattern) => matchesType(pattern, type)) ?? true) &&
      !notTypes.some((pattern) => matchesType(pattern, type)) &&
      (senders?.includes(sender) ?? true) &&
      !notSenders.includes(sender),
  };
}

// A star stands for any number of characters.
function matchesType(pattern: string, type: string): boolean {
  const [start = "", ...rest] = pattern.split("*");
  const end = rest.pop();
  if (end === undefined) return pattern === type;
  if (!type.startsWith(start) || !type.endsWith(end) || type.length < start.length + end.length) return false;
  let middle = type.slice(start.length, type.length - end.length);
  for (const part of rest) {
    const found = middle.indexOf(part);
    if (found === -1) return false;
    middle = middle.slice(found + part.length);
  }
  return true;
}

function objectIn(filter: JsonObject, field: string): JsonObject {
  const value = filter[field] ?? {};
  if (!isObject(value)) throw invalid(field, "object");
  return value;
}

function stringsIn(filter: JsonObject, field: string): string[] | undefined {
  const value = filter[field];
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw invalid(field, "array");
  return value.map((item: unknown) => {
    if (typeof item !== "string") throw invalid(field, "array of strings");
    return item;
  });
}

function invalid(field: string, expected: string): MatrixError {
  return new MatrixError(400, "M_UNKNOWN", `Invalid filter: '${field}' is not of type '${expected}'`);
}
