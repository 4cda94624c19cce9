// The homeserver.
export { FakeHomeserver } from "./fake-homeserver.js";
export type { FakeHomeserverOptions } from "./fake-homeserver.js";

// What a test looks at and takes into its own hands.
export type { HomeserverBehind, Interceptor } from "./interceptors.js";
export type { HeldAnswer } from "./held-response.js";
export * as faults from "./faults/index.js";
export type { RateLimit } from "./faults/index.js";
export type { RecordedRequest } from "./recorded-request.js";

// What the homeserver takes from the world.
export { systemEnv } from "./env.js";
export type { Env } from "./env.js";
