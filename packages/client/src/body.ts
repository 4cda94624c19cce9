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
  const bytes = new Bytes();
  let length = 0;
  const take = (chunk: Uint8Array): void => {
    length += chunk.length;
    if (length > maxBytes) {
      throw new BodyTooLargeError(`Cannot ${attempt}: the answer is larger than ${maxBytes} bytes; set maxBodyBytes`);
    }
    bytes.add(chunk);
  };
  await ("getReader" in body ? readWeb(body, take) : readNode(body, take));
  return bytes.text();
}

const decoder = new TextDecoder();

const blockBytes = 64 * 1024;

/**
 * Bytes that come in chunks. What is kept is little more than they are: no text of them before all have come, and no chunk of a few
 * bytes, for it would take a hundred times as much memory.
 */
class Bytes {
  readonly #blocks: Uint8Array[] = [];
  #open = new Uint8Array(0);
  #used = 0;

  add(chunk: Uint8Array): void {
    // Most answers come as one chunk.
    if (this.#blocks.length === 0) {
      this.#blocks.push(chunk);
    } else if (chunk.length >= blockBytes / 2) {
      this.#closeBlock();
      this.#blocks.push(chunk);
    } else {
      if (this.#used + chunk.length > this.#open.length) {
        this.#closeBlock();
        this.#open = new Uint8Array(blockBytes);
      }
      this.#open.set(chunk, this.#used);
      this.#used += chunk.length;
    }
  }

  text(): string {
    this.#closeBlock();
    const [first, ...others] = this.#blocks;
    if (others.length === 0) return decoder.decode(first);
    const streamed = new TextDecoder();
    return this.#blocks.map((block) => streamed.decode(block, { stream: true })).join("") + streamed.decode();
  }

  #closeBlock(): void {
    if (this.#used === 0) return;
    this.#blocks.push(this.#open.subarray(0, this.#used));
    this.#open = this.#open.subarray(this.#used);
    this.#used = 0;
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
