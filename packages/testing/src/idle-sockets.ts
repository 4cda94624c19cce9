import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Env } from "./env.js";

/** A connection, while it has no request or has one. */
interface Connection {
  requests: number;
  cancelDrop: () => void;
}

/**
 * Drops connections that have been without a request for a while, as every HTTP server does some time. The client does not know of
 * it before its next request may be on its way: such a request is never read.
 */
export class IdleSockets {
  readonly #env: Env;
  readonly #connections = new WeakMap<Socket, Connection>();
  #nextDelayMs: (() => number) | undefined;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Begins to drop connections so long after an answer, or stops it. */
  dropAfter(nextDelayMs: (() => number) | undefined): void {
    this.#nextDelayMs = nextDelayMs;
  }

  /** Sees a request come, and waits for its answer to go. */
  watch({ socket }: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connectionOf(socket);
    connection.cancelDrop();
    connection.requests++;
    response.once("close", () => {
      connection.requests--;
      if (connection.requests === 0) this.#startToDrop(socket, connection);
    });
  }

  #connectionOf(socket: Socket): Connection {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    const connection = { requests: 0, cancelDrop: (): void => {} };
    this.#connections.set(socket, connection);
    socket.once("close", () => connection.cancelDrop());
    return connection;
  }

  #startToDrop(socket: Socket, connection: Connection): void {
    if (this.#nextDelayMs === undefined || socket.destroyed) return;
    const delayMs = this.#nextDelayMs();
    // Closed on both sides, so that what comes from now on is never read, where a mere end would let it be answered.
    const drop = (): void => void socket.destroy();
    if (delayMs <= 0) drop();
    else connection.cancelDrop = this.#env.startTimer(drop, delayMs);
  }
}
