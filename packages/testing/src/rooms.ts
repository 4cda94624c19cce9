import { isDeepStrictEqual } from "node:util";
import type { Accounts } from "./accounts.js";
import { authorize } from "./authorization.js";
import { checkContent } from "./check-content.js";
import type { Env } from "./env.js";
import type { EventDraft, RoomEvent } from "./event.js";
import type { Identifiers } from "./identifiers.js";
import { redact } from "./redaction.js";
import { Room } from "./room.js";
import type { Stream } from "./stream.js";
import { checkSuspension } from "./suspension.js";

/** The rooms and their aliases. Every event of every room comes in through `send`. */
export class Rooms {
  readonly #env: Env;
  readonly #identifiers: Identifiers;
  readonly #stream: Stream;
  readonly #accounts: Accounts;
  readonly #rooms = new Map<string, Room>();
  readonly #aliases = new Map<string, string>();

  constructor(env: Env, identifiers: Identifiers, stream: Stream, accounts: Accounts) {
    this.#env = env;
    this.#identifiers = identifiers;
    this.#stream = stream;
    this.#accounts = accounts;
  }

  /** A new room, without any event yet, which nobody finds before it is added. */
  create(): Room {
    return new Room(this.#identifiers.roomId());
  }

  add(room: Room): void {
    this.#rooms.set(room.roomId, room);
  }

  get(roomId: string): Room | undefined {
    return this.#rooms.get(roomId);
  }

  /** All rooms, the oldest first. */
  all(): Room[] {
    return [...this.#rooms.values()];
  }

  addAlias(alias: string, room: Room): void {
    this.#aliases.set(alias, room.roomId);
  }

  resolveAlias(alias: string): string | undefined {
    return this.#aliases.get(alias);
  }

  /**
   * Puts an event into a room, if its sender may send it and it is well-formed. State that is there already, from the same
   * sender, stays as it is: the event that set it is returned.
   */
  send(room: Room, draft: EventDraft): RoomEvent {
    if (this.#accounts.get(draft.sender)?.isSuspended === true) checkSuspension(room, draft);
    authorize(room, draft);
    checkContent(draft);
    const replaced = draft.stateKey === undefined ? undefined : room.stateEvent(draft.type, draft.stateKey);
    if (replaced?.sender === draft.sender && isDeepStrictEqual(replaced.content, draft.content)) return replaced;
    return this.#stream.append((position) => {
      const event: RoomEvent = {
        ...draft,
        eventId: this.#identifiers.eventId(),
        roomId: room.roomId,
        originServerTs: this.#env.now(),
        position,
        ...(replaced && { replaces: replaced }),
      };
      room.append(event);
      const target = event.redacts === undefined ? undefined : room.event(event.redacts);
      if (target !== undefined) redact(target, event);
      return event;
    });
  }
}
