import { Agent as HttpAgent } from "node:http";
import nodeFetch from "node-fetch";
import * as undici from "undici";
import type { OpenedFetch } from "../fetch.js";
import { openFetch as openNode } from "../fetch-node.js";
import { openFetch as openRuntime } from "../fetch-runtime.js";

/** A `fetch` that requests are tested on; whoever opens it closes it. */
export interface TestFetch {
  readonly name: string;
  readonly open: () => OpenedFetch;
}

export const defaultFetch: TestFetch = { name: "Node's default", open: () => openNode() };

/** node-fetch with sockets that it keeps open, and nothing of ours around it. */
export const nodeFetchAlone: TestFetch = {
  name: "node-fetch alone",
  open() {
    const agent = new HttpAgent({ keepAlive: true });
    return { fetch: (url, init) => nodeFetch(url, { ...init, agent }), close: () => agent.destroy() };
  },
};

export const runtimeFetch: TestFetch = { name: "the runtime's own fetch", open: () => openRuntime() };

export const undiciFetch: TestFetch = {
  name: "undici's fetch",
  open() {
    const dispatcher = new undici.Agent();
    return {
      fetch: (url, init) => undici.fetch(url, { ...init, dispatcher }),
      close: () => void dispatcher.destroy(),
    };
  },
};

/** What requests have to pass their tests on. */
export const fetches: readonly TestFetch[] = [defaultFetch, nodeFetchAlone, runtimeFetch, undiciFetch];
