import type { Accounts } from "./accounts.js";
import type { Membership, RoomEvent } from "./event.js";
import type { JsonObject } from "./json.js";
import { MatrixError, forbidden } from "./matrix-error.js";
import type { Room } from "./room.js";
import type { Rooms } from "./rooms.js";

/** What somebody does to their own or to another one's membership. */
export type MembershipAction = "join" | "leave" | "invite" | "kick" | "ban" | "unban";

const RESULT: Readonly<Record<MembershipAction, Membership>> = {
  join: "join",
  leave: "leave",
  invite: "invite",
  kick: "leave",
  ban: "ban",
  unban: "leave",
};

/** Changes who is in a room. */
export class Memberships {
  readonly #rooms: Rooms;
  readonly #accounts: Accounts;

  constructor(rooms: Rooms, accounts: Accounts) {
    this.#rooms = rooms;
    this.#accounts = accounts;
  }

  /** Lets `sender` do `action` to `userId`; `extra` stands in the content of the member event, as a reason does. */
  change(room: Room, action: MembershipAction, sender: string, userId: string, extra: JsonObject = {}): RoomEvent {
    const current = room.membership(userId);
    if (action === "unban" && current !== undefined && current !== "ban") {
      throw badState(`Cannot unban user who was not banned (membership=${current})`);
    }
    if (current === "ban" && (action === "join" || action === "invite" || action === "kick")) {
      throw badState(`Cannot ${action} user who was banned`);
    }
    if (action === "kick" && current !== "join" && current !== "invite") {
      throw forbidden("The target user is not in the room");
    }
    const membership = RESULT[action];
    const event = room.stateEvent("m.room.member", userId);
    // Leaving twice is leaving once; who was made to leave cannot.
    if (action === "leave" && event !== undefined && current === "leave" && event.sender === userId) return event;
    return this.#rooms.send(room, {
      type: "m.room.member",
      stateKey: userId,
      sender,
      content: {
        ...(membership === "leave" || membership === "ban" ? {} : this.#profile(userId)),
        ...extra,
        membership,
      },
    });
  }

  /** Shows a changed profile in every room that the user is in. */
  refreshProfile(userId: string): void {
    for (const room of this.#rooms.all()) {
      if (room.membership(userId) === "join") this.change(room, "join", userId, userId);
    }
  }

  #profile(userId: string): JsonObject {
    const displayname = this.#accounts.get(userId)?.displayname;
    return displayname === undefined ? {} : { displayname };
  }
}

function badState(message: string): MatrixError {
  return new MatrixError(403, "M_BAD_STATE", message);
}
