import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import fetch from "node-fetch";
import type { OpenedFetch } from "./fetch.js";

/** node-fetch over sockets that are kept open between requests, until `close`. */
export function openFetch(): OpenedFetch {
  // A bounded pool: one socket a request, as many as there are requests, measured three times slower.
  const options = { keepAlive: true, maxSockets: 64 };
  const http = new HttpAgent(options);
  const https = new HttpsAgent(options);
  return {
    fetch: (url, init) => fetch(url, { ...init, agent: ({ protocol }) => (protocol === "https:" ? https : http) }),
    close() {
      http.destroy();
      https.destroy();
    },
  };
}
