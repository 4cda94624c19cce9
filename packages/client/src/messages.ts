import type { JsonObject } from "./json.js";
import type { RoomEvent } from "./room-event.js";

/** The client was closed; it publishes nothing after this. */
export class ClientClosed {
  readonly type = "ClientClosed";
}

/** The client has a session now; its storage holds it. */
export class LoggedIn {
  readonly userId: string;
  readonly deviceId: string | undefined;
  constructor(userId: string, deviceId: string | undefined) {
    this.userId = userId;
    this.deviceId = deviceId;
  }
}

/** The session is over, by `logout` or because the homeserver said so; the storage holds nothing of it any more. */
export class LoggedOut {
  readonly userId: string;
  readonly deviceId: string | undefined;
  constructor(userId: string, deviceId: string | undefined) {
    this.userId = userId;
    this.deviceId = deviceId;
  }
}

/** An event has come in the timeline of a room: a message event or a state event. */
export class EventReceived {
  readonly roomId: string;
  readonly event: RoomEvent;
  constructor(roomId: string, event: RoomEvent) {
    this.roomId = roomId;
    this.event = event;
  }
}

/** Something has come in the timeline of a room that is not an event: it lacks what the specification requires. */
export class InvalidEvent {
  readonly roomId: string;
  /** What has come, as it was. */
  readonly event: unknown;
  constructor(roomId: string, event: unknown) {
    this.roomId = roomId;
    this.event = event;
  }
}

/** The homeserver has left out older events of a room's timeline, because there are many that this client has not seen. */
export class TimelineGap {
  readonly roomId: string;
  /** Where the events that were left out end: the `from` of `GET v3/rooms/{roomId}/messages` with `dir=b`, if it is known. */
  readonly prevBatch: string | undefined;
  constructor(roomId: string, prevBatch: string | undefined) {
    this.roomId = roomId;
    this.prevBatch = prevBatch;
  }
}

/** The user was invited to a room. */
export class Invited {
  readonly roomId: string;
  /** What the homeserver tells of a room to who is not in it: state events without ID and time. */
  readonly inviteState: readonly JsonObject[];
  constructor(roomId: string, inviteState: readonly JsonObject[]) {
    this.roomId = roomId;
    this.inviteState = inviteState;
  }
}

/** The user is no longer in a room: by leaving, or because of somebody else. */
export class RoomLeft {
  readonly roomId: string;
  constructor(roomId: string) {
    this.roomId = roomId;
  }
}

/** A sync has failed; the client goes on by itself. */
export class SyncFailed {
  readonly error: Error;
  /** When the client will try again, in milliseconds since 1970. */
  readonly retryAt: number;
  constructor(error: Error, retryAt: number) {
    this.error = error;
    this.retryAt = retryAt;
  }
}
