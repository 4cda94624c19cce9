import { ConnectionError } from "./errors.js";
import type { FetchResponse } from "./fetch.js";

/** The one answer that is not asked for again: it would be as large the next time. */
export class BodyTooLargeError extends ConnectionError {}

/**
 * The whole body as text. Rejects as soon as it has more than `maxBytes` bytes, decompressed, and frees the socket: nothing that was not
 * read keeps it.
 */
export async function readText(body: FetchResponse["body"], maxBytes: number, attempt: string): Promise<string> {
  if (body === null) return "";
  const text = new Text();
  let bytes = 0;
  const take = (chunk: Uint8Array): void => {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new BodyTooLargeError(`Cannot ${attempt}: the answer is larger than ${maxBytes} bytes; set maxBodyBytes`);
    }
    text.add(chunk);
  };
  await ("getReader" in body ? readWeb(body, take) : readNode(body, take));
  return text.end();
}

const wholeTexts = new TextDecoder();

/** The text of some bytes. Most answers come as one chunk, and a decoder of their own would take longer than they do. */
class Text {
  #first: Uint8Array | undefined;
  #decoder: TextDecoder | undefined;
  #text = "";

  add(chunk: Uint8Array): void {
    if (this.#first === undefined) {
      this.#first = chunk;
      return;
    }
    if (this.#decoder === undefined) {
      this.#decoder = new TextDecoder();
      this.#text = this.#decoder.decode(this.#first, { stream: true });
    }
    this.#text += this.#decoder.decode(chunk, { stream: true });
  }

  end(): string {
    return this.#decoder ? this.#text + this.#decoder.decode() : wholeTexts.decode(this.#first);
  }
}

/** Not every browser can iterate over a `ReadableStream`. */
async function readWeb(body: ReadableStream<Uint8Array>, take: (chunk: Uint8Array) => void): Promise<void> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      take(value);
    }
  } finally {
    // Also when there was too much: the socket is free again.
    reader.cancel().catch(() => {});
  }
}

/** What is used of a stream of Node. */
interface NodeStream {
  on(event: "data", listener: (chunk: Uint8Array | string) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  destroy(error?: Error): unknown;
}

/** Listening takes a third of the time that iterating takes. */
function readNode(body: AsyncIterable<Uint8Array | string>, take: (chunk: Uint8Array) => void): Promise<void> {
  if (!isStream(body)) return readIterable(body, take);
  return new Promise((resolve, reject) => {
    let isWhole = false;
    body.on("data", (chunk) => {
      try {
        take(bytesOf(chunk));
      } catch (error) {
        reject(error);
        body.destroy();
      }
    });
    body.on("end", () => {
      isWhole = true;
      resolve();
    });
    body.on("error", reject);
    body.on("close", () => {
      if (!isWhole) reject(new Error("the connection was closed before the end"));
    });
  });
}

function isStream(body: object): body is NodeStream {
  return "on" in body && "destroy" in body;
}

async function readIterable(
  body: AsyncIterable<Uint8Array | string>,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  for await (const chunk of body) take(bytesOf(chunk));
}

function bytesOf(chunk: Uint8Array | string): Uint8Array {
  return typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
}
