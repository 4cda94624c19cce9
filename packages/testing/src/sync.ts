import { strippedEvent, syncEvent } from "./client-event.js";
import type { Reader } from "./client-event.js";
import { membershipOf } from "./event.js";
import type { Membership, RoomEvent } from "./event.js";
import type { SyncFilter } from "./filter.js";
import type { JsonObject } from "./json.js";
import { pushRules } from "./push-rules.js";
import type { Room } from "./room.js";
import { tokenOf } from "./stream.js";
import { stateBefore, tell, timelineOf } from "./timeline.js";

// What an invited user is told about a room, besides who invites them.
const INVITE_STATE = [
  "m.room.create",
  "m.room.join_rules",
  "m.room.canonical_alias",
  "m.room.avatar",
  "m.room.encryption",
  "m.room.name",
  "m.room.topic",
];
const MAX_HEROES = 5;

/** What a client asks a sync for. */
export interface SyncRequest {
  readonly reader: Reader;
  readonly filter: SyncFilter;
  /** The position up to which the client knows everything; `undefined` when it knows nothing. */
  readonly since: number | undefined;
  /** Tells the whole state of every room, known or not. */
  readonly fullState: boolean;
}

/** The answer to a sync, and whether it tells anything at all. */
export interface SyncAnswer {
  readonly body: JsonObject;
  readonly isEmpty: boolean;
}

/**
 * Tells a user what has happened in their rooms after `since` and up to `until`. For each room that the filter lets through:
 *
 * 1. Whoever is joined gets it under `join`. Who was not joined at `since` gets it from its beginning, as if there were no
 *    `since`; this is marked as limited, since events before may have been told already.
 * 2. Whoever is invited gets it under `invite`, once.
 * 3. Whoever has left or was banned after `since` gets it under `leave`, up to that moment.
 * 4. The timeline is the last events that the user may see, as many as the filter allows. It is limited when there are more, and
 *    paginating back from `prev_batch` brings these.
 * 5. The state is that before the timeline: what in it is new after `since`.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#syncing
 */
export function answerSync(rooms: readonly Room[], until: number, request: SyncRequest): SyncAnswer {
  const { reader, filter, since = 0 } = request;
  const { userId } = reader.session;
  const join: [string, JsonObject][] = [];
  const invite: [string, JsonObject][] = [];
  const leave: [string, JsonObject][] = [];
  for (const room of rooms) {
    const member = room.stateEvent("m.room.member", userId);
    if (member === undefined || !filter.matchesRoom(room.roomId)) continue;
    const isNews = member.position > since;
    switch (membershipOf(member)) {
      case "join": {
        const told = joinedRoom(room, until, request);
        if (told !== undefined) join.push([room.roomId, told]);
        break;
      }
      case "invite":
        if (isNews) invite.push([room.roomId, invitedRoom(room, member, reader)]);
        break;
      case "leave":
      case "ban": {
        const isWanted = request.since === undefined ? filter.includeLeave : isNews;
        if (!isWanted || room.isForgottenBy(userId)) break;
        leave.push([room.roomId, leftRoom(room, member.position, request)]);
        break;
      }
      default:
        break;
    }
  }
  const sections = Object.entries({ join, invite, leave }).filter(([, told]) => told.length > 0);
  return {
    isEmpty: sections.length === 0,
    body: {
      next_batch: tokenOf(until),
      ...(request.since === undefined && {
        account_data: { events: [{ type: "m.push_rules", content: pushRules(userId) }] },
      }),
      device_one_time_keys_count: { signed_curve25519: 0 },
      device_unused_fallback_key_types: [],
      ...(sections.length > 0 && {
        rooms: Object.fromEntries(sections.map(([name, told]) => [name, Object.fromEntries(told)])),
      }),
    },
  };
}

function joinedRoom(room: Room, until: number, request: SyncRequest): JsonObject | undefined {
  const { reader, filter, since = 0, fullState } = request;
  const { userId } = reader.session;
  const wasAway =
    room.membership(userId, since) !== "join" || hasHad(room, userId, since, (membership) => membership !== "join");
  const isNewlyJoined = since > 0 && wasAway;
  const after = isNewlyJoined ? 0 : since;
  const hasNews = (room.events.at(-1)?.position ?? 0) > after;
  if (!hasNews && !fullState) return undefined;

  const span = { after, until, reader, filter };
  const timeline = timelineOf(room, span);
  const state = stateBefore(room, timeline, fullState ? { ...span, after: 0 } : span);
  if (timeline.events.length + state.length === 0 && after > 0) return undefined;
  const isAboutMembers = after === 0 || timeline.events.some((event) => event.type === "m.room.member");
  return {
    ...tell(room, { ...timeline, isLimited: timeline.isLimited || isNewlyJoined }, state, reader),
    ephemeral: { events: [] },
    unread_notifications: { notification_count: 0, highlight_count: 0 },
    summary: filter.state.lazyLoadMembers && isAboutMembers ? summaryOf(room, userId) : {},
  };
}

function leftRoom(room: Room, leftAt: number, { reader, filter, since = 0 }: SyncRequest): JsonObject {
  const { userId } = reader.session;
  const cameAndWent =
    room.membership(userId, since) !== "join" && hasHad(room, userId, since, (membership) => membership === "join");
  const span = { after: cameAndWent ? 0 : since, until: leftAt, reader, filter };
  const timeline = timelineOf(room, span);
  const state = stateBefore(room, timeline, span);
  return tell(room, { ...timeline, isLimited: timeline.isLimited || (since > 0 && cameAndWent) }, state, reader);
}

// Whether a user's membership has been one that `matches`, at any moment after `since`.
function hasHad(
  room: Room,
  userId: string,
  since: number,
  matches: (membership: Membership | undefined) => boolean,
): boolean {
  return room.history("m.room.member", userId).some((event) => event.position > since && matches(membershipOf(event)));
}

function invitedRoom(room: Room, invitation: RoomEvent, reader: Reader): JsonObject {
  const told = INVITE_STATE.flatMap((type) => room.stateEvent(type) ?? []);
  const inviter = room.stateEvent("m.room.member", invitation.sender);
  const events = [...told, ...(inviter ? [inviter] : [])].map(strippedEvent);
  return { invite_state: { events: [...events, syncEvent(room, invitation, reader)] } };
}

function summaryOf(room: Room, userId: string): JsonObject {
  const others = room.members(["join", "invite"]).flatMap((member) => member.stateKey ?? []);
  const heroes = others.filter((other) => other !== userId).slice(0, MAX_HEROES);
  const isNamed = room.setting("m.room.name", "name") ?? room.setting("m.room.canonical_alias", "alias");
  return {
    "m.joined_member_count": room.members(["join"]).length,
    "m.invited_member_count": room.members(["invite"]).length,
    ...(!isNamed && { "m.heroes": heroes }),
  };
}
