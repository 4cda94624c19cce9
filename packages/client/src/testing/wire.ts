import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";

/** A server on a real port that says what a test wants said, right or wrong. */
export interface Wire {
  readonly url: string;
  /** "GET /path?query" of each request, in order. */
  readonly requests: string[];
  /** How many connections are open. */
  sockets(): Promise<number>;
  close(): Promise<void>;
}

export async function startWire(listener: RequestListener): Promise<Wire> {
  const requests: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    requests.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    sockets: () => promisify(server.getConnections.bind(server))(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
