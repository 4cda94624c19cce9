// Ways to make an authenticated request and know its answer: each is a function that sets up and returns
// `(method, path, body) => Promise<answer>`. All send the same headers, read the whole body, and parse it. Each loads what it needs
// itself: undici takes over the runtime's `fetch` when it is loaded.
import { Agent, request as httpRequest } from "node:http";

const accessToken = "syt_YWxpY2U_ZnVydGhlcm1vcmVzb21ldGhpbmc_0aBcDe";

function headersFor(body) {
  const headers = { authorization: `Bearer ${accessToken}`, "accept-encoding": "gzip, deflate, br" };
  if (body === undefined) return headers;
  return { ...headers, "content-type": "application/json" };
}

function read(status, text) {
  if (status !== 200) throw new Error(`the answer was ${status}`);
  return JSON.parse(text);
}

export const contestants = {
  async "@mx/client"(url) {
    const { Client } = await import("../../packages/client/dist/index.js");
    const client = new Client({ storage: new Map(), baseClientUrl: `${url}/_matrix/client/` });
    await client.login({ accessToken });
    return (method, path, content) =>
      content === undefined ? client.request(method, path) : client.request(method, path, { body: content });
  },

  "node:http"(url) {
    const agent = new Agent({ keepAlive: true, maxSockets: 64 });
    return (method, path, content) =>
      new Promise((resolve, reject) => {
        const body = content && JSON.stringify(content);
        const headers = headersFor(body);
        if (body !== undefined) headers["content-length"] = Buffer.byteLength(body);
        const options = { method, headers, agent };
        const request = httpRequest(`${url}/_matrix/client/${path}`, options, (response) => {
          const chunks = [];
          response.on("data", (chunk) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            try {
              resolve(read(response.statusCode, Buffer.concat(chunks).toString()));
            } catch (error) {
              reject(error);
            }
          });
        });
        request.on("error", reject);
        request.end(body);
      });
  },

  async "node-fetch"(url) {
    const { default: nodeFetch } = await import("node-fetch");
    const agent = new Agent({ keepAlive: true, maxSockets: 64 });
    return async (method, path, content) => {
      const body = content && JSON.stringify(content);
      const response = await nodeFetch(`${url}/_matrix/client/${path}`, {
        method,
        headers: headersFor(body),
        body,
        agent,
      });
      return read(response.status, await response.text());
    };
  },

  fetch(url) {
    return async (method, path, content) => {
      const body = content && JSON.stringify(content);
      const init = { method, headers: headersFor(body), body };
      const response = await fetch(`${url}/_matrix/client/${path}`, init);
      return read(response.status, await response.text());
    };
  },

  async undici(url) {
    const { Agent: UndiciAgent, request: undiciRequest } = await import("undici");
    const dispatcher = new UndiciAgent({ connections: 64 });
    return async (method, path, content) => {
      const body = content && JSON.stringify(content);
      const options = { method, headers: headersFor(body), body, dispatcher };
      const response = await undiciRequest(`${url}/_matrix/client/${path}`, options);
      return read(response.statusCode, await response.body.text());
    };
  },
};
