import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { Publisher } from "./index.js";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

class Event {
  readonly isEvent = true;
}

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** More than noise, far less than what the tests below would leave behind. */
const leakBytes = 3_000_000;

test("a million subscriptions that come and go leave nothing behind", async () => {
  const publisher = new Publisher();
  await publisher.publish(new Event());
  const before = heapBytes();
  for (let round = 0; round < 1_000_000; round++) publisher.unsubscribe(publisher.subscribe(Event, () => round));
  expect(heapBytes() - before).toBeLessThan(leakBytes);
  expect(publisher.size).toBe(0);
});

test("a hundred thousand subscriptions with one signal leave nothing behind", () => {
  const publisher = new Publisher();
  const { signal } = new AbortController();
  const before = heapBytes();
  for (let round = 0; round < 100_000; round++) {
    publisher.unsubscribe(publisher.subscribe(Event, () => round, { signal }));
  }
  expect(heapBytes() - before).toBeLessThan(leakBytes);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("a hundred thousand classes that are made as the program runs leave little behind", () => {
  const publisher = new Publisher();
  publisher.subscribe(Event, () => {});
  const before = heapBytes();
  for (let round = 0; round < 100_000; round++) {
    class Special extends Event {}
    void publisher.publish(new Special());
  }
  expect(heapBytes() - before).toBeLessThan(leakBytes);
});

test("a subscriber can be collected as soon as it is removed", async () => {
  const publisher = new Publisher();
  const removed = ((): WeakRef<object> => {
    const subscriber = (): void => {};
    const id = publisher.subscribe(Event, subscriber);
    void publisher.publish(new Event());
    publisher.unsubscribe(id);
    return new WeakRef(subscriber);
  })();
  // A WeakRef holds what it refers to until the current job is over.
  await new Promise(setImmediate);
  collectGarbage();
  expect(removed.deref()).toBeUndefined();
});
