// The homeserver.
export { FakeHomeserver } from "./fake-homeserver.js";
export type { FakeHomeserverOptions } from "./fake-homeserver.js";

// What a test looks at and takes into its own hands.
export type { Interceptor } from "./interceptors.js";
export type { RecordedRequest } from "./recorded-request.js";

// What the homeserver takes from the world.
export { systemEnv } from "./env.js";
export type { Env } from "./env.js";
