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

// For endpoints that have no method of their own, and content that has a URI.
export { endpoint, type Endpoint, type Query } from "./endpoint.js";
export type { RequestOptions } from "./request.js";
export { parseMxcUri, type MxcUri } from "./mxc.js";

// The URL that the browser comes back to from single sign-on has a token for `login`.
export { loginTokenIn } from "./single-sign-on.js";

// What the client asks the application.
export type { Callbacks, SoftlyLoggedOut } from "./callbacks.js";
export type { AuthenticationChallenge, AuthenticationFlow, AuthenticationStage } from "./interactive.js";

// What is told of each request on the diagnostics channel `mx.client.request`.
export type { RequestDiagnostics } from "./diagnostics.js";

// The types of its arguments and results.
export type { AbortOptions } from "./signals.js";
export type { HomeserverSource, StorageSource } from "./connect.js";
export type { CreateRoomOptions } from "./create-room.js";
export type {
  AccessTokenCredentials,
  Credentials,
  DeviceOptions,
  IdentifierCredentials,
  PasswordCredentials,
  TokenCredentials,
  UserIdentifier,
} from "./credentials.js";
export type { Env } from "./env.js";
export type { Feature, NamedFeature, SpecifiedCapability } from "./features.js";
export type { Fetch, FetchInit, FetchResponse } from "./fetch.js";
export type { Homeserver, Versions, WellKnown } from "./homeserver.js";
export type { Json, JsonObject } from "./json.js";
export type { IdentityProvider, LoginFlow } from "./login-flows.js";
export type { MediaUrlOptions, Thumbnail } from "./media-url.js";
export type { JoinRoomOptions } from "./membership.js";
export type { RegisterOptions } from "./register.js";
export type { RoomEvent } from "./room-event.js";
export type { SendOptions } from "./send.js";
export type { SingleSignOnOptions } from "./single-sign-on.js";
export type { SyncOptions } from "./sync.js";
export type { Identity } from "./whoami.js";
