import type { Interceptor } from "../interceptors.js";

/** Never answers, and keeps the connection open; the homeserver does not process the request. */
export function fallSilentBeforeProcessing(): Interceptor {
  return () => {};
}

/** Never answers, and keeps the connection open; the homeserver has done what the request asks for. */
export function fallSilentAfterProcessing(): Interceptor {
  return async (_request, _response, _pass, homeserver) => {
    await homeserver.process();
  };
}
