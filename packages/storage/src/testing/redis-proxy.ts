import { once } from "node:events";
import { type Server, type Socket, connect, createServer } from "node:net";
import { onTestFinished } from "vitest";

/** What becomes of a piece of what a client sends. */
export type Fate =
  | "passes"
  /** The connection breaks, and the server never gets it. */
  | "is cut before"
  /** The server does it, and the connection breaks before its answer arrives. */
  | "is cut after"
  /** The connection breaks for the client only; the server gets it when `release` is called. */
  | "is held";

/** Stands between a client and a server, and breaks the connection at chosen moments. */
export class RedisProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #port: number;
  /** Decides on each piece: it has one command, or some that were sent at once. */
  fateOf: (piece: string) => Fate = () => "passes";
  #held: { readonly upstream: Socket; readonly piece: Buffer } | undefined;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
    server.on("connection", (downstream) => this.#connect(downstream));
  }

  /** It ends with the test. */
  static async start(port: number): Promise<RedisProxy> {
    const server = createServer().listen(0, "127.0.0.1");
    const proxy = new RedisProxy(server, port);
    await once(server, "listening");
    onTestFinished(() => proxy.#stop());
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    return `redis://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Sends what is held to the server; resolves when it was answered, or the server has closed the connection. */
  async release(): Promise<void> {
    const held = this.#held;
    if (held === undefined) throw new Error("nothing is held");
    const { upstream, piece } = held;
    const isDone = new Promise((resolve) => upstream.once("data", resolve).once("close", resolve));
    if (!upstream.destroyed) upstream.write(piece);
    else return;
    await isDone;
  }

  #connect(downstream: Socket): void {
    const upstream = connect(this.#port, "127.0.0.1");
    let isCut = false;
    for (const socket of [downstream, upstream]) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
    }
    downstream.on("close", () => {
      if (this.#held?.upstream !== upstream) upstream.destroy();
    });
    upstream.on("close", () => downstream.destroy());
    upstream.on("data", (piece) => {
      if (isCut) downstream.destroy();
      else downstream.write(piece);
    });
    downstream.on("data", (piece) => {
      const fate = this.fateOf(piece.toString("latin1"));
      if (fate === "is held") this.#held = { upstream, piece };
      if (fate === "is cut after") isCut = true;
      if (fate === "is cut before" || fate === "is held") downstream.destroy();
      else upstream.write(piece);
    });
  }

  #stop(): void {
    this.cut();
    this.#server.close();
  }
}
