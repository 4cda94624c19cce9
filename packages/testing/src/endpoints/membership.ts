import { optionalString, requiredString } from "../call.js";
import type { Call } from "../call.js";
import type { Homeserver } from "../homeserver.js";
import { isUserId } from "../identifiers.js";
import type { JsonObject } from "../json.js";
import { MatrixError, forbidden, invalidParam, notFound } from "../matrix-error.js";
import type { MembershipAction } from "../memberships.js";
import type { Room } from "../room.js";
import type { Endpoint } from "../router.js";

/**
 * Coming into rooms, going, and making others come and go.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-membership
 */
export function membershipEndpoints(homeserver: Homeserver): Endpoint[] {
  const { rooms, memberships } = homeserver;

  const join = (call: Call, roomIdOrAlias: string): JsonObject => {
    const { userId } = call.session();
    const reason = reasonIn(call.optionalBody());
    const room = rooms.get(resolve(homeserver, roomIdOrAlias));
    // Nobody is left to let anyone in, so the room might as well be on a server that we do not know.
    if (room === undefined || room.members(["join"]).length === 0) {
      const message = "Can't join remote room because no servers that are in the room have been provided.";
      throw new MatrixError(404, "M_UNKNOWN", message);
    }
    memberships.change(room, "join", userId, userId, reason);
    return { room_id: room.roomId };
  };

  const actOnOther = (action: MembershipAction): Endpoint => ({
    method: "POST",
    path: `/_matrix/client/v3/rooms/{roomId}/${action}`,
    answer(call) {
      const { userId: sender } = call.session();
      const body = call.optionalBody();
      const userId = requiredString(body, "user_id");
      if (!isUserId(userId)) throw invalidParam("Expected UserID string to start with '@'");
      const room = rooms.get(call.parameter("roomId"));
      if (room === undefined) {
        throw action === "invite" ? forbidden("Unknown room") : new MatrixError(404, "M_UNKNOWN", "Not a known room");
      }
      memberships.change(room, action, sender, userId, reasonIn(body));
      return {};
    },
  });

  return [
    {
      method: "POST",
      path: "/_matrix/client/v3/join/{roomIdOrAlias}",
      answer: (call) => join(call, call.parameter("roomIdOrAlias")),
    },
    {
      method: "POST",
      path: "/_matrix/client/v3/rooms/{roomId}/join",
      answer: (call) => join(call, call.parameter("roomId")),
    },
    {
      method: "POST",
      path: "/_matrix/client/v3/rooms/{roomId}/leave",
      answer(call) {
        const { userId } = call.session();
        const reason = reasonIn(call.optionalBody());
        const room = rooms.get(call.parameter("roomId"));
        if (room === undefined) throw new MatrixError(404, "M_UNKNOWN", "Not a known room");
        memberships.change(room, "leave", userId, userId, reason);
        return {};
      },
    },
    ...(["invite", "kick", "ban", "unban"] as const).map(actOnOther),
    {
      method: "POST",
      path: "/_matrix/client/v3/rooms/{roomId}/forget",
      answer(call) {
        const { userId } = call.session();
        const room = rooms.get(call.parameter("roomId"));
        const membership = room?.membership(userId);
        if (room !== undefined && (membership === "join" || membership === "invite")) {
          throw new MatrixError(400, "M_UNKNOWN", `User ${userId} in room ${room.roomId}`);
        }
        room?.forget(userId);
        return {};
      },
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/joined_rooms",
      answer(call) {
        const { userId } = call.session();
        const isIn = (room: Room): boolean => room.membership(userId) === "join";
        return {
          joined_rooms: rooms
            .all()
            .filter(isIn)
            .map((room) => room.roomId),
        };
      },
    },
  ];
}

function resolve(homeserver: Homeserver, roomIdOrAlias: string): string {
  if (roomIdOrAlias.startsWith("!")) return roomIdOrAlias;
  if (!roomIdOrAlias.startsWith("#")) {
    throw new MatrixError(400, "M_UNKNOWN", `${roomIdOrAlias} was not legal room ID or room alias`);
  }
  const roomId = homeserver.rooms.resolveAlias(roomIdOrAlias);
  if (roomId === undefined) throw notFound(`Room alias ${roomIdOrAlias} not found`);
  return roomId;
}

function reasonIn(body: JsonObject): JsonObject {
  const reason = optionalString(body, "reason");
  return reason === undefined ? {} : { reason };
}
