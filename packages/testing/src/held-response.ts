import { IncomingMessage, ServerResponse } from "node:http";
import type { OutgoingHttpHeaders } from "node:http";
import { Socket } from "node:net";

/** An answer that was not sent. */
export interface HeldAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** A response that nobody receives: it keeps what is written to it. It closes together with the one that it stands for. */
export class HeldResponse extends ServerResponse {
  /** Resolves when the response has been ended. */
  readonly answer: Promise<HeldAnswer>;
  readonly #original: ServerResponse;
  readonly #chunks: Buffer[] = [];
  #resolve: (answer: HeldAnswer) => void = () => {};

  constructor(original: ServerResponse) {
    // Not for the request itself: on Bun, its connection would go to the newest of its responses.
    super(new IncomingMessage(new Socket()));
    this.#original = original;
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    for (const [name, value] of Object.entries(original.getHeaders())) {
      if (value !== undefined) this.setHeader(name, value);
    }
    if (original.destroyed) this.destroy();
    original.once("close", () => {
      this.destroy();
      this.emit("close");
    });
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    this.#keep(chunk, rest);
    for (const callback of rest) if (typeof callback === "function") callback();
    return true;
  }

  override end(chunk?: unknown, ...rest: unknown[]): this {
    if (this.writableEnded) return this;
    this.#keep(chunk, rest);
    // Without a socket this sends nothing, but from now on the response looks ended to whoever asks it.
    super.end();
    this.#resolve({ status: this.statusCode, headers: this.getHeaders(), body: Buffer.concat(this.#chunks) });
    this.emit("finish");
    for (const callback of [chunk, ...rest]) if (typeof callback === "function") callback();
    return this;
  }

  override destroy(error?: Error): this {
    this.#original.destroy(error);
    return super.destroy(error);
  }

  #keep(chunk: unknown, [encoding]: unknown[]): void {
    if (typeof chunk === "string") this.#chunks.push(Buffer.from(chunk, isEncoding(encoding) ? encoding : "utf8"));
    else if (chunk instanceof Uint8Array) this.#chunks.push(Buffer.from(chunk));
  }
}

function isEncoding(value: unknown): value is BufferEncoding {
  return typeof value === "string" && Buffer.isEncoding(value);
}
