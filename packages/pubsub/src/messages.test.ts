import { describe, expect, test } from "vitest";
import { Publisher } from "./index.js";

class Tick {
  readonly count: number;
  constructor(count = 0) {
    this.count = count;
  }
}
class Tock {
  readonly isTock = true;
}

async function ticks(): Promise<void> {
  for (let tick = 0; tick < 20; tick++) await Promise.resolve();
}

/** Tells whether `promise` has settled, without waiting for it. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  await ticks();
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

describe("messages", () => {
  test("come in order, from the call on, and before the first is asked for", async () => {
    const publisher = new Publisher();
    void publisher.publish(new Tick(0));
    const messages = publisher.messages(Tick);
    for (const count of [1, 2, 3]) void publisher.publish(new Tick(count));
    void publisher.publish(new Tock());
    const seen: number[] = [];
    for await (const { count } of messages) {
      seen.push(count);
      if (count < 3) continue;
      if (count === 5) break;
      void publisher.publish(new Tick(count + 1));
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  test("stay in order while some are read and others arrive", async () => {
    const publisher = new Publisher();
    const messages = publisher.messages(Tick);
    const seen: (number | undefined)[] = [];
    for (let count = 0; count < 100; count++) {
      void publisher.publish(new Tick(count));
      if (count % 3 === 0) seen.push((await messages.next()).value?.count);
    }
    while (seen.length < 100) seen.push((await messages.next()).value?.count);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, count) => count));
  });

  test("are of any class in a list", async () => {
    const publisher = new Publisher();
    const messages = publisher.messages([Tick, Tock]);
    void publisher.publish(new Tock());
    void publisher.publish(new Tick(1));
    expect((await messages.next()).value).toEqual(new Tock());
    expect(await messages.next()).toEqual({ done: false, value: new Tick(1) });
  });

  test("are given to overlapping calls of next in their order", async () => {
    const publisher = new Publisher();
    const messages = publisher.messages(Tick);
    const results = [messages.next(), messages.next(), messages.next()];
    for (const count of [1, 2, 3]) void publisher.publish(new Tick(count));
    const counts = (await Promise.all(results)).map(({ value }) => value?.count);
    expect(counts).toEqual([1, 2, 3]);
  });

  test("can be the same object twice", async () => {
    const publisher = new Publisher();
    const messages = publisher.messages(Tick);
    const tick = new Tick();
    void publisher.publish(tick);
    void publisher.publish(tick);
    expect((await messages.next()).value).toBe(tick);
    expect((await messages.next()).value).toBe(tick);
  });

  test("hold no publisher back by default", () => {
    const publisher = new Publisher();
    publisher.messages(Tick);
    const first = publisher.publish(new Tick());
    for (let count = 0; count < 1000; count++) expect(publisher.publish(new Tick())).toBe(first);
  });
});

describe("leaving the loop", () => {
  test.each([
    [
      "break",
      async (publisher: Publisher): Promise<void> => {
        for await (const _ of publisher.messages(Tick)) break;
      },
    ],
    [
      "throw",
      async (publisher: Publisher): Promise<void> => {
        const failing = async (): Promise<void> => {
          for await (const _ of publisher.messages(Tick)) throw new Error("body");
        };
        await expect(failing()).rejects.toThrow("body");
      },
    ],
    [
      "await using",
      async (publisher: Publisher): Promise<void> => {
        // oxlint-disable-next-line typescript/await-thenable -- it is async disposable
        await using messages = publisher.messages(Tick);
        await messages.next();
      },
    ],
  ])("with %s unsubscribes", async (_way, leave) => {
    const publisher = new Publisher();
    const left = leave(publisher);
    expect(publisher.size).toBe(1);
    await publisher.publish(new Tick());
    await left;
    expect(publisher.size).toBe(0);
  });

  test("with return drops what is unread and answers calls of next that wait", async () => {
    const publisher = new Publisher();
    const messages = publisher.messages(Tick);
    const waiting = [messages.next(), messages.next(), messages.next()];
    await publisher.publish(new Tick(1));
    expect(await messages.return()).toEqual({ done: true, value: undefined });
    expect(await Promise.all(waiting)).toEqual([
      { done: false, value: new Tick(1) },
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);

    const others = publisher.messages(Tick);
    await publisher.publish(new Tick(1));
    await others.return();
    expect(await others.next()).toEqual({ done: true, value: undefined });
    expect(await others.return()).toEqual({ done: true, value: undefined });
  });

  test("ends it for a publish that is under way", async () => {
    const publisher = new Publisher();
    publisher.subscribe(Tick, async () => {
      await messages.return();
    });
    const messages = publisher.messages(Tick);
    await publisher.publish(new Tick());
    expect(await messages.next()).toEqual({ done: true, value: undefined });
  });
});

describe("highWaterMark", () => {
  test("makes publishers wait while more messages are unread", async () => {
    const publisher = new Publisher();
    const messages = publisher.messages(Tick, { highWaterMark: 2 });
    await publisher.publish(new Tick(1));
    await publisher.publish(new Tick(2));
    const third = publisher.publish(new Tick(3));
    const fourth = publisher.publish(new Tick(4));
    expect(await isSettled(third)).toBe(false);
    expect((await messages.next()).value).toEqual(new Tick(1));
    expect(await isSettled(third)).toBe(false);
    expect((await messages.next()).value).toEqual(new Tick(2));
    await Promise.all([third, fourth]);
    expect((await messages.next()).value).toEqual(new Tick(3));
  });

  test("of 0 lets a publish end when its message is taken", async () => {
    const publisher = new Publisher();
    const messages = publisher.messages(Tick, { highWaterMark: 0 });
    const first = publisher.publish(new Tick(1));
    expect(await isSettled(first)).toBe(false);
    await messages.next();
    await first;
    const waiting = messages.next();
    await publisher.publish(new Tick(2));
    expect((await waiting).value).toEqual(new Tick(2));
  });

  test("of 1 keeps publisher and reader near each other", async () => {
    const publisher = new Publisher();
    let published = 0;
    let read = 0;
    let farthest = 0;
    const messages = publisher.messages(Tick, { highWaterMark: 1 });
    const publishing = (async (): Promise<void> => {
      for (; published < 100; published++) await publisher.publish(new Tick(published));
    })();
    for await (const { count } of messages) {
      read++;
      farthest = Math.max(farthest, published - count);
      if (read === 100) break;
    }
    await publishing;
    expect([read, farthest]).toEqual([100, 1]);
  });

  test.each(["return", "abort"])("lets publishers go on after %s", async (way) => {
    const publisher = new Publisher();
    const controller = new AbortController();
    const messages = publisher.messages(Tick, { highWaterMark: 0, signal: controller.signal });
    const published = [publisher.publish(new Tick(1)), publisher.publish(new Tick(2))];
    expect(await isSettled(Promise.race(published))).toBe(false);
    if (way === "return") void messages.return();
    else controller.abort();
    await Promise.all(published);
    expect(await messages.next()).toEqual({ done: true, value: undefined });
  });

  test.each([-1, Number.NaN, "many"])("is refused when it is %s", (highWaterMark) => {
    const publisher = new Publisher();
    // @ts-expect-error -- one of them is no number
    expect(() => publisher.messages(Tick, { highWaterMark })).toThrow(
      new TypeError(`Cannot iterate: highWaterMark is "${highWaterMark}"`),
    );
    expect(publisher.size).toBe(0);
  });
});

describe("a signal", () => {
  test("ends the loop without an error and drops what is unread", async () => {
    const publisher = new Publisher();
    const controller = new AbortController();
    const seen: number[] = [];
    const messages = publisher.messages(Tick, { signal: controller.signal });
    for (const count of [1, 2, 3]) void publisher.publish(new Tick(count));
    for await (const { count } of messages) {
      seen.push(count);
      if (count === 2) controller.abort();
    }
    expect(seen).toEqual([1, 2]);
    expect(publisher.size).toBe(0);
  });

  test("ends a loop that waits", async () => {
    const publisher = new Publisher();
    const controller = new AbortController();
    const waiting = publisher.messages(Tick, { signal: controller.signal }).next();
    controller.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test("that has aborted already gives a loop that has ended", async () => {
    const publisher = new Publisher();
    const messages = publisher.messages(Tick, { signal: AbortSignal.abort() });
    expect(publisher.size).toBe(0);
    for await (const _ of messages) expect.fail("no messages");
  });
});

describe("next", () => {
  test("resolves with the first message that matches, after the synchronous subscribers", async () => {
    const publisher = new Publisher();
    const seen: string[] = [];
    const next = publisher.next([Tick, Tock]).then((message) => seen.push(`next ${message instanceof Tick}`));
    publisher.subscribe(Tick, () => seen.push("subscriber"));
    expect(publisher.size).toBe(2);
    void publisher.publish({});
    expect(publisher.size).toBe(2);
    void publisher.publish(new Tick());
    expect(publisher.size).toBe(1);
    void publisher.publish(new Tock());
    await next;
    expect(seen).toEqual(["subscriber", "next true"]);
  });

  test("passes over what its filter refuses", async () => {
    const publisher = new Publisher();
    const next = publisher.next(Tick, { filter: ({ count }) => count > 1 });
    for (const count of [0, 1, 2, 3]) void publisher.publish(new Tick(count));
    expect(await next).toEqual(new Tick(2));
    expect(publisher.size).toBe(0);
  });

  test("rejects when its filter throws, which is no error of a subscriber", async () => {
    const publisher = new Publisher({ onError: () => expect.fail("not a subscriber") });
    const next = publisher.next(Tick, {
      filter: () => {
        throw new Error("filter");
      },
    });
    void publisher.publish(new Tick());
    await expect(next).rejects.toThrow("filter");
    expect(publisher.size).toBe(0);
  });

  test("rejects with the reason of its signal", async () => {
    const publisher = new Publisher();
    const reason = new Error("enough");
    await expect(publisher.next(Tick, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const next = publisher.next(Tick, { signal: controller.signal });
    expect(publisher.size).toBe(1);
    controller.abort(reason);
    await expect(next).rejects.toBe(reason);
    expect(publisher.size).toBe(0);
  });

  test("serves everybody who waits", async () => {
    const publisher = new Publisher();
    const waiting = [publisher.next(Tick), publisher.next(Object), publisher.next(Tick)];
    const tick = new Tick();
    void publisher.publish(tick);
    expect(await Promise.all(waiting)).toEqual([tick, tick, tick]);
  });

  test("in a loop sees each message once, though a publish is slow", async () => {
    const publisher = new Publisher();
    const seen: number[] = [];
    publisher.subscribe(Tick, ticks);
    const loop = (async (): Promise<void> => {
      while (seen.length < 5) seen.push((await publisher.next(Tick)).count);
    })();
    publisher.subscribe(Tick, ticks);
    for (let count = 0; count < 5; count++) await publisher.publish(new Tick(count));
    await loop;
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  test("in a loop misses none when each publish is awaited", async () => {
    const publisher = new Publisher();
    const seen: number[] = [];
    const loop = (async (): Promise<void> => {
      while (seen.length < 5) seen.push((await publisher.next(Tick)).count);
    })();
    for (let count = 0; count < 5; count++) await publisher.publish(new Tick(count));
    await loop;
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });
});
