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

test("300,000 subscriptions that come and go leave nothing behind", async () => {
  const publisher = new Publisher();
  await publisher.publish(new Event());
  const before = heapBytes();
  for (let round = 0; round < 300_000; round++) publisher.unsubscribe(publisher.subscribe(Event, () => round));
  expect(heapBytes() - before).toBeLessThan(leakBytes);
  expect(publisher.size).toBe(0);
});

test("50,000 subscriptions with one signal leave nothing behind", () => {
  const publisher = new Publisher();
  const { signal } = new AbortController();
  const before = heapBytes();
  for (let round = 0; round < 50_000; round++) {
    publisher.unsubscribe(publisher.subscribe(Event, () => round, { signal }));
  }
  expect(heapBytes() - before).toBeLessThan(leakBytes);
  expect(getEventListeners(signal, "abort")).toEqual([]);
  expect(publisher.size).toBe(0);
});

test("50,000 classes that are made as the program runs leave little behind", () => {
  const publisher = new Publisher();
  publisher.subscribe(Event, () => {});
  const before = heapBytes();
  for (let round = 0; round < 50_000; round++) {
    class Special extends Event {}
    void publisher.publish(new Special());
  }
  expect(heapBytes() - before).toBeLessThan(leakBytes);
  expect(publisher.size).toBe(1);
});

test("publishers that were held back leave nothing behind", async () => {
  const publisher = new Publisher();
  const messages = publisher.messages(Event, { highWaterMark: 0 });
  const before = heapBytes();
  for (let round = 0; round < 30_000; round++) {
    const published = publisher.publish(new Event());
    await messages.next();
    await published;
  }
  expect(heapBytes() - before).toBeLessThan(leakBytes);
  expect(publisher.size).toBe(1);
});

/** Tells whether all that `make` returned, and nobody else holds, can be collected. */
async function isCollected(make: () => object): Promise<boolean> {
  const made = new WeakRef(make());
  // A WeakRef holds what it refers to until the current job is over.
  await new Promise(setImmediate);
  collectGarbage();
  return made.deref() === undefined;
}

test("a subscriber can be collected as soon as it is removed", async () => {
  const publisher = new Publisher();
  const isSubscriberCollected = await isCollected(() => {
    const subscriber = (): void => {};
    const id = publisher.subscribe(Event, subscriber);
    void publisher.publish(new Event());
    publisher.unsubscribe(id);
    return subscriber;
  });
  expect(isSubscriberCollected).toBe(true);
  expect(publisher.size).toBe(0);
});

test("a signal can be collected as soon as its last subscription is removed", async () => {
  const publisher = new Publisher();
  const isSignalCollected = await isCollected(() => {
    const { signal } = new AbortController();
    publisher.unsubscribe(publisher.subscribe(Event, () => {}, { signal }));
    return signal;
  });
  expect(isSignalCollected).toBe(true);
  expect(publisher.size).toBe(0);
});

test("an unread message can be collected as soon as its loop is left", async () => {
  const publisher = new Publisher();
  const messages = publisher.messages(Event);
  const isMessageCollected = await isCollected(() => {
    const event = new Event();
    void publisher.publish(event);
    void messages.return();
    return event;
  });
  expect(isMessageCollected).toBe(true);
  expect(await messages.next()).toEqual({ done: true, value: undefined });
});
