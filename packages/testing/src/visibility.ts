import { membershipOf } from "./event.js";
import type { RoomEvent } from "./event.js";
import { forbidden } from "./matrix-error.js";
import type { Room } from "./room.js";

// From the widest to the narrowest.
const VISIBILITIES = ["world_readable", "shared", "invited", "joined"] as const;

/**
 * The last position in a room that a user may read: no limit for who is joined, that of their leaving for who has left. Refuses
 * everybody else, unless anybody may read the room.
 */
export function readableUntil(room: Room, userId: string): number {
  const member = room.stateEvent("m.room.member", userId);
  const membership = membershipOf(member);
  if (membership === "join" || visibilityAt(room, Infinity) === "world_readable") return Infinity;
  if (membership !== "leave" || member === undefined || room.isForgottenBy(userId))
    throw notInRoom(userId, room.roomId);
  return member.position;
}

/** The refusal to read a room, or one that does not exist: nobody can tell these two apart. */
export function notInRoom(userId: string, roomId: string): Error {
  return forbidden(`User ${userId} not in room ${roomId}, and room previews are disabled`);
}

/**
 * Tells whether a user may see an event: by the history visibility when it was sent, and by their membership then. A member event
 * about themselves shows with the better one of the memberships before and after it. Who has gone sees nothing of what follows.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
 */
export function canSee(room: Room, event: RoomEvent, userId: string): boolean {
  // The event that sets the visibility shows by the wider one of what was and what it makes.
  const before = VISIBILITIES.indexOf(visibilityAt(room, event.position - 1));
  const after = VISIBILITIES.indexOf(visibilityAt(room, event.position));
  const visibility = VISIBILITIES[Math.min(before, after)];
  if (visibility === "world_readable") return true;

  const latest = room.stateEvent("m.room.member", userId);
  const isGone = membershipOf(latest) === "leave" || membershipOf(latest) === "ban";
  if (latest === undefined || (isGone && event.position > latest.position)) return false;

  const isOwnMembership = event.type === "m.room.member" && event.stateKey === userId;
  const memberships = [room.membership(userId, event.position)];
  if (isOwnMembership) memberships.push(membershipOf(event.replaces));
  if (memberships.includes("join")) return true;
  // Else they would not see the room go when they refuse an invitation.
  if (isOwnMembership && memberships.includes("invite")) return true;
  return visibility === "invited" ? memberships.includes("invite") : visibility === "shared";
}

function visibilityAt(room: Room, position: number): (typeof VISIBILITIES)[number] {
  const setting = room.setting("m.room.history_visibility", "history_visibility", position);
  return VISIBILITIES.find((visibility) => visibility === setting) ?? "shared";
}
