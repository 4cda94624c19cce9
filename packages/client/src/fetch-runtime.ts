import type { OpenedFetch, OwnFetch } from "./fetch.js";
import { abortSignalOf } from "./signals.js";

/** The runtime's own `fetch`: in browsers, Deno and Bun, which manage its sockets themselves. */
export function openFetch(): OpenedFetch<OwnFetch> {
  // oxlint-disable-next-line no-restricted-globals -- this file is where env takes it from
  return { fetch: (url, init) => fetch(url, { ...init, signal: abortSignalOf(init.signal) }), close() {} };
}
