import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { BodyTooLargeError, readText } from "./body.js";

const bytes = new TextEncoder().encode("grüße 👋");

/** The same bytes as each kind of body that a fetch can have, one byte a chunk. */
const bodies = {
  "a stream of the web": () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    }),
  "a stream of Node": () => Readable.from(Array.from(bytes, (byte) => Buffer.of(byte))),
};

describe.each(Object.entries(bodies))("readText from %s", (_, open) => {
  it("decodes characters that are split over chunks", async () => {
    expect(await readText(open(), 100, "GET it")).toBe("grüße 👋");
  });

  it("takes a body of just the limit", async () => {
    expect(await readText(open(), bytes.length, "GET it")).toBe("grüße 👋");
  });

  it("refuses a larger one, and says what was asked for", async () => {
    const reading = readText(open(), bytes.length - 1, "GET it");
    await expect(reading).rejects.toThrow(BodyTooLargeError);
    await expect(reading).rejects.toThrow(`Cannot GET it: the answer is larger than ${bytes.length - 1} bytes`);
  });
});

it("readText stops reading a body without end at the limit", async () => {
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1000)),
    cancel: () => {
      cancelled = true;
    },
  });
  await expect(readText(endless, 10_000, "GET it")).rejects.toThrow(BodyTooLargeError);
  expect(cancelled).toBe(true);
});

it("readText takes no body for an empty one", async () => {
  expect(await readText(null, 1, "GET it")).toBe("");
});
