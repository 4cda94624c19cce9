import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { answerToFailure } from "./answer.js";
import type { Answer } from "./answer.js";
import type { Request } from "./call.js";
import { MatrixError } from "./matrix-error.js";
import { targetOf } from "./request-target.js";

const HOST = "127.0.0.1";
const MAX_BODY_BYTES = 1_048_576;

// https://spec.matrix.org/v1.19/client-server-api/#web-browser-clients
const CROSS_ORIGIN_HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["Access-Control-Allow-Origin", "*"],
  ["Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS"],
  ["Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization"],
];

/** Answers one request, by writing to `response`. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The homeserver's port. Browsers are let in from everywhere, and their preflights are answered here. */
export class HttpServer {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** Listens on a loopback port, 0 for any free one. */
  static async listen(port: number, handle: HttpHandler): Promise<HttpServer> {
    const server = createServer((request, response) => {
      for (const [name, value] of CROSS_ORIGIN_HEADERS) response.setHeader(name, value);
      // A browser asks before it may ask. That is no request of the client's, and nobody else sees it.
      if (request.method === "OPTIONS") {
        response.writeHead(204).end();
        return;
      }
      handle(request, response).catch((error: unknown) => {
        // An answer that has begun cannot turn into an error: cut off, it is no answer.
        if (response.headersSent) response.destroy();
        else writeAnswer(response, answerToFailure(error));
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, HOST, resolve);
    });
    const address = server.address();
    return new HttpServer(server, typeof address === "object" && address !== null ? address.port : port);
  }

  get url(): string {
    return `http://${HOST}:${this.port}`;
  }

  /** Closes the port and cuts every connection. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

/** Reads a request whole. What is larger than a homeserver takes is read to its end, and refused. */
export async function readRequest(request: IncomingMessage, response: ServerResponse): Promise<Request> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (bytes > MAX_BODY_BYTES) throw new MatrixError(413, "M_TOO_LARGE", "Request content is too large");
  return {
    method: request.method ?? "GET",
    ...targetOf(request),
    headers: request.headers,
    body: Buffer.concat(chunks),
    signal: gone.signal,
  };
}

export function writeAnswer(response: ServerResponse, { status, body }: Answer): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Content-Type": "application/json",
    "Content-Length": bytes.length,
  });
  response.end(bytes);
}
