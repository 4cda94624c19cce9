import type { OpenedFetch } from "./fetch.js";

/** The runtime's own `fetch`: in browsers, Deno and Bun, which manage its sockets themselves. */
export function openFetch(): OpenedFetch {
  // oxlint-disable-next-line no-restricted-globals -- this file is where env takes it from
  return { fetch: (url, init) => fetch(url, init), close() {} };
}
