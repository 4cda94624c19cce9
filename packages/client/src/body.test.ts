import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
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

it("readText puts chunks of all sizes together in their order, and leaves them as they are", async () => {
  const whole = new TextEncoder().encode(Array.from({ length: 60_000 }, (_, index) => `${index} é`).join());
  const sizes = [1, 5, 40_000, 3, 70_000, 0, 65_536, 65_535, 1, 32_768, 32_767, 2, 100_000, 7];
  const chunks: Uint8Array[] = [];
  for (let start = 0, turn = 0; start < whole.length; turn++) {
    const end = start + (sizes[turn % sizes.length] ?? 1);
    chunks.push(whole.slice(start, end));
    start = end;
  }
  expect(chunks.length).toBeGreaterThan(sizes.length);
  const before = chunks.map((chunk) => Buffer.from(chunk).toString("latin1"));
  expect(await readText(Readable.from(chunks), 10_000_000, "GET it")).toBe(new TextDecoder().decode(whole));
  expect(chunks.map((chunk) => Buffer.from(chunk).toString("latin1"))).toEqual(before);
});

it("readText keeps little more than the bytes of a body that comes byte by byte (threat 5)", async () => {
  const count = 100_000;
  const before = keptBytes();
  let kept = 0;
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      for (let left = 1000; left > 0; left--) controller.enqueue(Uint8Array.of(97));
      sent += 1000;
      if (sent < count) return;
      kept = keptBytes() - before;
      controller.close();
    },
  });
  expect(await readText(body, count, "GET it")).toHaveLength(count);
  expect(kept).toBeLessThan(10 * count);
});

/** The memory that is in use and no garbage. */
function keptBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

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
