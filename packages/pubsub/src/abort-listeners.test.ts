import { getEventListeners } from "node:events";
import { expect, test, vi } from "vitest";
import { Publisher } from "./index.js";

class Ping {
  readonly isPing = true;
}

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, "abort").length;
}

test("a signal ends all subscriptions that have it, and no others", async () => {
  const publisher = new Publisher();
  const [one, two] = [new AbortController(), new AbortController()];
  let calls = 0;
  const count = (): unknown => calls++;
  const id = publisher.subscribe(Ping, count, { signal: one.signal });
  publisher.subscribe(Ping, count, { signal: one.signal });
  publisher.subscribe(Ping, count, { signal: two.signal });
  publisher.subscribe(Ping, count);
  one.abort();
  expect(publisher.size).toBe(2);
  expect(publisher.unsubscribe(id)).toBe(false);
  await publisher.publish(new Ping());
  expect(calls).toBe(2);
});

test("a signal that has aborted already gives an ID that is never called", async () => {
  const publisher = new Publisher();
  const id = publisher.subscribe(Ping, () => expect.fail("aborted"), { signal: AbortSignal.abort() });
  expect(id).toBeGreaterThan(0);
  expect(publisher.size).toBe(0);
  await publisher.publish(new Ping());
  expect(publisher.unsubscribe(id)).toBe(false);
});

test("a signal that aborts during a publish takes effect at once", async () => {
  const publisher = new Publisher();
  const controller = new AbortController();
  const { signal } = controller;
  const seen: number[] = [];
  publisher.subscribe(Ping, () => seen.push(1), { signal });
  publisher.subscribe(Ping, () => controller.abort(), { signal });
  publisher.subscribe(Ping, () => seen.push(2), { signal });
  publisher.subscribe(Ping, () => seen.push(3));
  await publisher.publish(new Ping());
  expect(seen).toEqual([1, 3]);
});

test("a signal has one listener for each publisher, and none when the last subscription is gone", async () => {
  const warned = vi.fn();
  process.on("warning", warned);
  const publishers = [new Publisher(), new Publisher()] as const;
  const controller = new AbortController();
  const { signal } = controller;
  const ids = Array.from({ length: 2000 }, () => publishers[0].subscribe(Ping, () => {}, { signal }));
  publishers[0].messages(Ping, { signal });
  const next = publishers[0].next(Ping, { signal });
  expect(listeners(signal)).toBe(1);
  publishers[1].subscribe(Ping, () => {}, { signal, once: true });
  expect(listeners(signal)).toBe(2);
  await publishers[1].publish(new Ping());
  expect(listeners(signal)).toBe(1);
  for (const id of ids) publishers[0].unsubscribe(id);
  await publishers[0].publish(new Ping());
  await next;
  expect(listeners(signal)).toBe(1);
  controller.abort();
  expect(listeners(signal)).toBe(0);
  expect(publishers.map(({ size }) => size)).toEqual([0, 0]);
  await new Promise(setImmediate);
  process.off("warning", warned);
  expect(warned).not.toHaveBeenCalled();
});

test("a signal that lost its listener gets one again", () => {
  const publisher = new Publisher();
  const controller = new AbortController();
  const { signal } = controller;
  const first = publisher.subscribe(Ping, () => {}, { signal });
  publisher.unsubscribe(first);
  expect(listeners(signal)).toBe(0);
  publisher.subscribe(Ping, () => {}, { signal });
  expect(listeners(signal)).toBe(1);
  controller.abort();
  expect(publisher.size).toBe(0);
});
