import { ConnectionError } from "./errors.js";
import type { FetchResponse } from "./fetch.js";

/** The one answer that is not asked for again: it would be as large the next time. */
export class BodyTooLargeError extends ConnectionError {}

/** The whole body as text. Rejects as soon as it has more than `maxBytes` bytes, and leaves the rest unread. */
export async function readText(body: FetchResponse["body"], maxBytes: number, attempt: string): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  for await (const chunk of chunksOf(body)) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new BodyTooLargeError(`Cannot ${attempt}: the answer is larger than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Not every browser can iterate over a `ReadableStream`; Node's streams know nothing else. */
async function* chunksOf(body: NonNullable<FetchResponse["body"]>): AsyncGenerator<Uint8Array> {
  if (!("getReader" in body)) {
    for await (const chunk of body) {
      yield typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
    }
    return;
  }
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // Also when the consumer has had enough: the socket is free again.
    await reader.cancel();
  }
}
