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
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  const take = (chunk: Uint8Array): void => {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new BodyTooLargeError(`Cannot ${attempt}: the answer is larger than ${maxBytes} bytes; set maxBodyBytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  };
  await ("getReader" in body ? readWeb(body, take) : readNode(body, take));
  return text + decoder.decode();
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
    body.on("data", (chunk) => {
      try {
        take(bytesOf(chunk));
      } catch (error) {
        reject(error);
        body.destroy();
      }
    });
    body.on("end", resolve);
    body.on("error", reject);
    body.on("close", () => reject(new Error("the connection was closed before the end")));
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
