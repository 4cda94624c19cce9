import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { answerToFailure } from "./answer.js";
import type { Answer } from "./answer.js";
import type { Request } from "./call.js";
import type { Env } from "./env.js";
import { IdleSockets } from "./idle-sockets.js";
import { MatrixError } from "./matrix-error.js";
import { Page } from "./page.js";
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
  readonly #idleSockets: IdleSockets;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number, idleSockets: IdleSockets) {
    this.#server = server;
    this.port = port;
    this.#idleSockets = idleSockets;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  /** Listens on a loopback port, 0 for any free one. */
  static async listen(port: number, env: Env, handle: HttpHandler): Promise<HttpServer> {
    const idleSockets = new IdleSockets(env);
    const server = createServer((request, response) => {
      idleSockets.watch(request, response);
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
    const listening = typeof address === "object" && address !== null ? address.port : port;
    return new HttpServer(server, listening, idleSockets);
  }

  get url(): string {
    return `http://${HOST}:${this.port}`;
  }

  /** Drops idle connections so long after an answer, 0 for at once; undefined for never, as it is at first. */
  dropIdleSocketsAfter(nextDelayMs: (() => number) | undefined): void {
    this.#idleSockets.dropAfter(nextDelayMs);
  }

  /** Closes the port and cuts every connection. What waits for a client to go away knows it when this resolves. */
  async close(): Promise<void> {
    // The server is closed before its sockets tell that they are.
    const gone = [...this.#sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
    await Promise.all(gone);
  }
}

/**
 * Reads the body of a request and puts it back, for whoever reads the request after this. Resolves with undefined where it is
 * larger than a homeserver takes. Rejects when the client goes away before it is whole.
 */
export async function peekBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const { "content-length": length = "0", "transfer-encoding": encoding } = request.headers;
  if (length === "0" && encoding === undefined) return Buffer.alloc(0);
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    // To read from an empty stream that is complete would end it. What is put back at once keeps it from ending.
    const next = (): unknown => (request.complete && request.readableLength === 0 ? null : request.read());
    const onReadable = (): void => {
      while (bytes <= MAX_BODY_BYTES) {
        const chunk = next();
        if (!Buffer.isBuffer(chunk)) break;
        chunks.push(chunk);
        bytes += chunk.length;
      }
      const isTooLarge = bytes > MAX_BODY_BYTES;
      if (!request.complete && !isTooLarge) return;
      request.off("readable", onReadable);
      const body = Buffer.concat(chunks);
      request.unshift(body);
      resolve(isTooLarge ? undefined : body);
    };
    request.on("readable", onReadable);
    // A runtime whose requests do not know when they are complete.
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("error", reject);
    request.once("close", () => reject(new Error("The client went away before its request was whole")));
  });
}

/** A request with the body that `peekBody` has found. What is larger than a homeserver takes is read to its end, and refused. */
export async function readRequest(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer | undefined,
): Promise<Request> {
  if (body === undefined) {
    for await (const chunk of request) void chunk;
    throw new MatrixError(413, "M_TOO_LARGE", "Request content is too large");
  }
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  response.once("close", () => gone.abort());
  return {
    method: request.method ?? "GET",
    ...targetOf(request),
    headers: request.headers,
    body,
    signal: gone.signal,
  };
}

export function writeAnswer(response: ServerResponse, answer: Answer | Page): void {
  const isPage = answer instanceof Page;
  const bytes = Buffer.from(isPage ? answer.html : JSON.stringify(answer.body));
  response.writeHead(answer.status, {
    ...(isPage && answer.headers),
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Content-Type": isPage ? "text/html; charset=utf-8" : "application/json",
    "Content-Length": bytes.length,
  });
  response.end(bytes);
}
