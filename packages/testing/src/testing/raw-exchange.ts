import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { User } from "./user.js";

/** A request as it is sent over a connection of its own, and all that comes back, byte by byte. */
export class RawExchange {
  readonly socket: Socket;
  /** Resolves when the connection is closed: by a FIN or a RST of the server, or by the test. */
  readonly ending: Promise<"FIN" | "RST">;
  /** How many bytes have come. */
  byteCount = 0;
  readonly #chunks: Buffer[] = [];

  constructor({ server, accessToken }: User, method: string, target: string, body = "") {
    const { hostname, port } = new URL(server.url);
    this.socket = connect(Number(port), hostname);
    this.socket.on("data", (chunk) => {
      this.#chunks.push(chunk);
      this.byteCount += chunk.length;
    });
    this.ending = new Promise((resolve) => {
      this.socket.once("error", () => resolve("RST"));
      this.socket.once("close", () => resolve("FIN"));
    });
    const lines = [
      `${method} ${target.startsWith("/_matrix") ? "" : "/_matrix/client/v3"}${target} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      `Authorization: Bearer ${accessToken}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    this.socket.write([...lines, "", body].join("\r\n"));
  }

  /** What has come. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString("latin1");
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.text)?.[1]);
  }

  get body(): Buffer {
    return Buffer.from(this.text.slice(this.text.indexOf("\r\n\r\n") + 4), "latin1");
  }

  header(name: string): string | undefined {
    const head = this.text.slice(0, this.text.indexOf("\r\n\r\n"));
    return new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1];
  }

  /** Waits until so many bytes have come in all. */
  async until(byteCount: number): Promise<void> {
    while (this.byteCount < byteCount) await once(this.socket, "data");
  }

  /** Waits until the answer is as long as it says, or ends before. */
  async untilWhole(): Promise<void> {
    const untilMore = (): Promise<unknown> => Promise.race([once(this.socket, "data"), this.ending]);
    while (!this.text.includes("\r\n\r\n") && !this.socket.destroyed) await untilMore();
    const end = this.text.indexOf("\r\n\r\n") + 4 + Number(this.header("content-length"));
    while (this.byteCount < end && !this.socket.destroyed) await untilMore();
    this.socket.destroy();
  }
}
