import type { JsonObject } from "./json.js";

/** An event as its sender asks for it. */
export interface EventDraft {
  readonly type: string;
  readonly sender: string;
  readonly content: JsonObject;
  /** Makes it a state event; often the empty string. */
  readonly stateKey?: string;
  /** The event that a redaction redacts. */
  readonly redacts?: string;
  /** The request that it came in, for its sender to recognise it by. */
  readonly transaction?: { readonly deviceId: string; readonly transactionId: string };
}

/** An event that has happened: its place in the room and in the stream never changes. */
export interface RoomEvent extends EventDraft {
  readonly eventId: string;
  readonly roomId: string;
  readonly originServerTs: number;
  /** Its place in the homeserver's stream. */
  readonly position: number;
  /** The state event that it took the place of. */
  readonly replaces?: RoomEvent;
  /** The redaction that has taken its content away. */
  redactedBecause?: RoomEvent;
}

export type Membership = "join" | "invite" | "leave" | "ban" | "knock";

const MEMBERSHIPS: ReadonlySet<unknown> = new Set<Membership>(["join", "invite", "leave", "ban", "knock"]);

/** The membership that a member event gives, or `undefined` when it names none. */
export function membershipOf(event: Pick<EventDraft, "content"> | undefined): Membership | undefined {
  const membership = event?.content["membership"];
  return isMembership(membership) ? membership : undefined;
}

export function isMembership(value: unknown): value is Membership {
  return MEMBERSHIPS.has(value);
}
