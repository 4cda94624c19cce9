// The first ten lines of an application.
export { Client, type ClientOptions } from "./client.js";
export { discover, type DiscoverOptions } from "./discover.js";

// What the client publishes, by class.
export {
  ClientClosed,
  EventReceived,
  InvalidEvent,
  Invited,
  LoggedIn,
  LoggedOut,
  RoomLeft,
  SyncFailed,
  TimelineGap,
} from "./messages.js";

// What it throws.
export {
  AlreadyLoggedInError,
  AlreadySyncingError,
  ClientClosedError,
  ConnectionError,
  DiscoveryError,
  MatrixError,
  NoBaseUrlError,
  NotLoggedInError,
} from "./errors.js";

// For endpoints that have no method of their own.
export { endpoint, type Query } from "./endpoint.js";
export type { RequestOptions } from "./request.js";

// The types of its arguments and results.
export type { Callbacks, SoftlyLoggedOut } from "./callbacks.js";
export type { HomeserverSource, StorageSource } from "./connect.js";
export type { CreateRoomOptions } from "./create-room.js";
export type { AccessTokenCredentials, Credentials, PasswordCredentials, TokenCredentials } from "./credentials.js";
export type { Env } from "./env.js";
export type { Fetch, FetchInit, FetchResponse } from "./fetch.js";
export type { Homeserver, Versions, WellKnown } from "./homeserver.js";
export type { Json, JsonObject } from "./json.js";
export type { JoinRoomOptions } from "./membership.js";
export type { RoomEvent } from "./room-event.js";
export type { SendOptions } from "./send.js";
export type { SyncOptions } from "./sync.js";
export type { Identity } from "./whoami.js";
