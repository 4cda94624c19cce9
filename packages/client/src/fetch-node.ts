import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import nodeFetch from "node-fetch";
import type { OpenedFetch, OwnFetch } from "./fetch.js";
import { httpFetch } from "./http-fetch.js";
import { abortSignalOf } from "./signals.js";

/**
 * Requests over sockets that are kept open between them, until `close`. What is public, and may lead anywhere on the web, is fetched by
 * node-fetch. What carries a token or a body goes over Node's own HTTP: node-fetch takes two to three times the CPU time of that, and
 * takes a compressed answer that was cut for a whole one.
 */
export function openFetch(): OpenedFetch<OwnFetch> {
  // A bounded pool: one socket a request, as many as there are requests, measured three times slower.
  const kept = { keepAlive: true, maxSockets: 64 };
  const keptAgents = { "http:": new HttpAgent(kept), "https:": new HttpsAgent(kept) };
  const aloneAgents = { "http:": new HttpAgent(), "https:": new HttpsAgent() };
  return {
    fetch(url, init) {
      const agents = init.isAlone ? aloneAgents : keptAgents;
      const agent = agents[url.startsWith("https:") ? "https:" : "http:"];
      const isPublic = init.body === undefined && init.headers["authorization"] === undefined;
      if (!isPublic) return httpFetch(url, init, agent);
      return nodeFetch(url, {
        ...init,
        signal: abortSignalOf(init.signal),
        agent: ({ protocol }) => agents[protocol === "https:" ? "https:" : "http:"],
      });
    },
    close() {
      for (const agents of [keptAgents, aloneAgents]) for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}
