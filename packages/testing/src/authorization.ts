import { membershipOf } from "./event.js";
import type { EventDraft } from "./event.js";
import { MatrixError, forbidden } from "./matrix-error.js";
import { PowerLevels, levelsIn } from "./power-levels.js";
import type { Room } from "./room.js";

/**
 * Refuses an event that its sender may not send into the room as it is now. The rules, in this order:
 *
 * 1. A room begins with `m.room.create`, and has one.
 * 2. Member events have rules of their own, by the membership that they give.
 * 3. Only who is joined may send anything else.
 * 4. State whose key is a user ID belongs to that user.
 * 5. The sender's power is what the type of event asks for.
 * 6. Nobody gives or takes power that they do not have.
 * 7. Who redacts another user's event needs the power to redact.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules
 */
export function authorize(room: Room, event: EventDraft): void {
  if (event.type === "m.room.create") {
    if (room.events.length > 0) throw forbidden("The room has been created already");
    return;
  }
  if (event.type === "m.room.member") {
    authorizeMembership(room, event, event.stateKey ?? "");
    return;
  }
  if (room.membership(event.sender) !== "join") throw forbidden(`User ${event.sender} not in room ${room.roomId}`);
  if (event.stateKey?.startsWith("@") === true && event.stateKey !== event.sender) {
    throw forbidden("You are not allowed to set others state");
  }
  const power = new PowerLevels(room);
  const own = power.ofUser(event.sender);
  const needed = power.toSend(event);
  if (own < needed) {
    throw forbidden(`You don't have permission to post that to the room. user_level (${own}) < send_level (${needed})`);
  }
  if (event.type === "m.room.power_levels") authorizePowerLevels(room, event, own);
  if (event.redacts !== undefined && own < power.toDo("redact")) {
    const target = room.event(event.redacts);
    if (target?.sender !== event.sender) throw forbidden("You don't have permission to redact events");
  }
}

function authorizeMembership(room: Room, event: EventDraft, userId: string): void {
  const { sender } = event;
  const current = room.membership(userId);
  const power = new PowerLevels(room);
  const own = power.ofUser(sender);
  const outranks = own > power.ofUser(userId);
  const isAboutSelf = sender === userId;
  const mayCome =
    current === "invite" || current === "join" || room.setting("m.room.join_rules", "join_rule") === "public";
  const isCreator = room.events.length === 1 && room.stateEvent("m.room.create")?.sender === sender;

  switch (membershipOf(event)) {
    case "join":
      if (!isAboutSelf) throw forbidden("Cannot force another user to join.");
      if (current === "ban") throw forbidden("You are banned from this room");
      if (!mayCome && !isCreator) throw forbidden("You are not invited to this room.");
      return;
    case "invite":
      checkIsJoined(room, sender);
      if (current === "ban") throw forbidden(`${userId} is banned from the room`);
      if (current === "join") throw forbidden(`${userId} is already in the room.`);
      if (own < power.toDo("invite")) throw forbidden("You don't have permission to invite users");
      return;
    case "leave":
      if (isAboutSelf) {
        const isInside = current === "join" || current === "invite" || current === "knock";
        if (!isInside) throw forbidden(`${sender} not in room ${room.roomId}.`);
        return;
      }
      checkIsJoined(room, sender);
      if (current === "ban" && own < power.toDo("ban")) throw forbidden(`You cannot unban user ${userId}.`);
      if (own < power.toDo("kick") || !outranks) throw forbidden(`You cannot kick user ${userId}.`);
      return;
    case "ban":
      checkIsJoined(room, sender);
      if (own < power.toDo("ban") || !outranks) throw forbidden("You don't have permission to ban");
      return;
    case "knock":
      throw forbidden("You don't have permission to knock");
    case undefined:
      throw new MatrixError(400, "M_UNKNOWN", "Invalid membership (must be a string)");
  }
}

function checkIsJoined(room: Room, sender: string): void {
  if (room.membership(sender) !== "join") throw forbidden(`${sender} not in room ${room.roomId}.`);
}

function authorizePowerLevels(room: Room, event: EventDraft, own: number): void {
  const before = levelsIn(room.stateEvent("m.room.power_levels")?.content);
  // The first ones give the creator the power that the creator has.
  if (before.size === 0) return;
  const after = levelsIn(event.content);
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [old, fresh] = [before.get(name), after.get(name)];
    if (old === fresh) continue;
    const isOwn = name === `users: ${event.sender}`;
    if (name.startsWith("users: ") && !isOwn && old === own) {
      throw forbidden("You don't have permission to remove ops level equal to your own");
    }
    if (Math.max(old ?? 0, fresh ?? 0) > own) {
      throw forbidden("You don't have permission to add ops level greater than your own");
    }
  }
}
