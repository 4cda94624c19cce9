import { membershipOf } from "./event.js";
import type { Membership, RoomEvent } from "./event.js";

/** A room: its events in order, and what they make of its state, now and at any position before. */
export class Room {
  readonly roomId: string;
  readonly #events: RoomEvent[] = [];
  readonly #byId = new Map<string, RoomEvent>();
  // By type and state key: every event that has ever been that state, in order. Maps, since clients choose the names.
  readonly #history = new Map<string, Map<string, RoomEvent[]>>();
  readonly #forgottenBy = new Set<string>();

  constructor(roomId: string) {
    this.roomId = roomId;
  }

  /** All events, in the order of their positions. */
  get events(): readonly RoomEvent[] {
    return this.#events;
  }

  append(event: RoomEvent): void {
    this.#events.push(event);
    this.#byId.set(event.eventId, event);
    if (event.stateKey === undefined) return;
    const byKey = this.#history.get(event.type) ?? new Map<string, RoomEvent[]>();
    const history = byKey.get(event.stateKey) ?? [];
    history.push(event);
    byKey.set(event.stateKey, history);
    this.#history.set(event.type, byKey);
    if (event.type === "m.room.member" && membershipOf(event) === "join") this.#forgottenBy.delete(event.stateKey);
  }

  event(eventId: string): RoomEvent | undefined {
    return this.#byId.get(eventId);
  }

  /** The state event of that type and key, now or as it was at `position`. */
  stateEvent(type: string, stateKey: string = "", position: number = Infinity): RoomEvent | undefined {
    return this.history(type, stateKey).findLast((event) => event.position <= position);
  }

  /** Every event that has ever been that state, in order. */
  history(type: string, stateKey: string): readonly RoomEvent[] {
    return this.#history.get(type)?.get(stateKey) ?? [];
  }

  /** All state events, now or as they were at `position`, in the order in which they were sent. */
  state(position: number = Infinity): RoomEvent[] {
    const state: RoomEvent[] = [];
    for (const byKey of this.#history.values()) {
      for (const history of byKey.values()) {
        const event = history.findLast((candidate) => candidate.position <= position);
        if (event !== undefined) state.push(event);
      }
    }
    return state.toSorted((a, b) => a.position - b.position);
  }

  /** The member events of everybody who has, or at `position` had, one of `memberships`. */
  members(memberships: readonly Membership[], position: number = Infinity): RoomEvent[] {
    const wanted: readonly (Membership | undefined)[] = memberships;
    return this.state(position).filter(
      (event) => event.type === "m.room.member" && wanted.includes(membershipOf(event)),
    );
  }

  membership(userId: string, position: number = Infinity): Membership | undefined {
    return membershipOf(this.stateEvent("m.room.member", userId, position));
  }

  /** A value in the content of a state event with an empty key, such as the join rule. */
  setting(type: string, field: string, position: number = Infinity): unknown {
    return this.stateEvent(type, "", position)?.content[field];
  }

  forget(userId: string): void {
    this.#forgottenBy.add(userId);
  }

  isForgottenBy(userId: string): boolean {
    return this.#forgottenBy.has(userId);
  }
}
