import type { Call } from "../call.js";
import { isMembership } from "../event.js";
import type { EventDraft } from "../event.js";
import type { Homeserver } from "../homeserver.js";
import type { JsonObject } from "../json.js";
import { MatrixError, badJson, forbidden } from "../matrix-error.js";
import type { MembershipAction } from "../memberships.js";
import type { Room } from "../room.js";
import type { Endpoint } from "../router.js";

// Types that come about in their own ways only.
const STATE_TYPES: ReadonlySet<string> = new Set(["m.room.create", "m.room.member", "m.room.power_levels"]);

/**
 * Sending: messages, state and redactions.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#sending-events-to-a-room
 */
export function eventEndpoints(homeserver: Homeserver): Endpoint[] {
  const { rooms, memberships, transactions } = homeserver;

  const sendOnce = (call: Call, draft: Omit<EventDraft, "sender">): JsonObject => {
    const session = call.session();
    const transactionId = call.parameter("txnId");
    const { deviceId, userId: sender } = session;
    const roomId = call.parameter("roomId");
    const eventId = transactions.once(session, roomId, transactionId, () => {
      const room = roomOf(homeserver, roomId, sender);
      return rooms.send(room, { ...draft, sender, transaction: { deviceId, transactionId } }).eventId;
    });
    return { event_id: eventId };
  };

  const setState = (call: Call, stateKey: string): JsonObject => {
    const { userId: sender } = call.session();
    const type = call.parameter("eventType");
    const content = call.body();
    const room = roomOf(homeserver, call.parameter("roomId"), sender);
    if (type !== "m.room.member") return { event_id: rooms.send(room, { type, stateKey, sender, content }).eventId };
    const action = actionOf(room, sender, stateKey, content);
    return { event_id: memberships.change(room, action, sender, stateKey, content).eventId };
  };

  return [
    {
      method: "PUT",
      path: "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}",
      answer(call) {
        call.session();
        const type = call.parameter("eventType");
        if (STATE_TYPES.has(type)) throw badJson(`Cannot send "${type}" but as state`);
        return sendOnce(call, { type, content: call.body() });
      },
    },
    {
      method: "PUT",
      path: "/_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}",
      answer(call) {
        call.session();
        const redacts = call.parameter("eventId");
        return sendOnce(call, { type: "m.room.redaction", redacts, content: { ...call.body(), redacts } });
      },
    },
    {
      method: "PUT",
      path: "/_matrix/client/v3/rooms/{roomId}/state/{eventType}",
      answer: (call) => setState(call, ""),
    },
    {
      method: "PUT",
      path: "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}",
      answer: (call) => setState(call, call.parameter("stateKey")),
    },
  ];
}

function roomOf(homeserver: Homeserver, roomId: string, userId: string): Room {
  const room = homeserver.rooms.get(roomId);
  if (room === undefined) throw forbidden(`User ${userId} not in room ${roomId}`);
  return room;
}

// What a member event, sent as plain state, does to its user.
function actionOf(room: Room, sender: string, userId: string, content: JsonObject): MembershipAction {
  const { membership } = content;
  if (!isMembership(membership) || membership === "knock") {
    throw new MatrixError(400, "M_UNKNOWN", "Invalid membership (must be a string)");
  }
  if (membership !== "leave" || sender === userId) return membership;
  return room.membership(userId) === "ban" ? "unban" : "kick";
}
