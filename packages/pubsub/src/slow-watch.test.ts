import { afterEach, describe, expect, test, vi } from "vitest";
import { Publisher, type Timers } from "./index.js";

class Job {
  readonly isJob = true;
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A subscriber that is done when told so. */
function slow(): { readonly subscriber: () => Promise<void>; readonly finish: () => void } {
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => (finish = resolve));
  return { subscriber: () => finished, finish };
}

describe("onSlow", () => {
  test("is told once of a call that is not done after slowAfterMs", async () => {
    vi.useFakeTimers();
    const onSlow = vi.fn();
    const publisher = new Publisher({ onSlow, slowAfterMs: 50 });
    const { subscriber, finish } = slow();
    publisher.subscribe(Job, async () => {});
    publisher.subscribe(Job, subscriber);
    const job = new Job();
    const published = publisher.publish(job);
    await vi.advanceTimersByTimeAsync(49);
    expect(onSlow).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(onSlow.mock.calls).toEqual([[job, subscriber]]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(onSlow).toHaveBeenCalledTimes(1);
    finish();
    await published;
  });

  test("waits 10,000 ms by default", async () => {
    vi.useFakeTimers();
    const onSlow = vi.fn();
    const publisher = new Publisher({ onSlow });
    publisher.subscribe(Job, slow().subscriber);
    void publisher.publish(new Job());
    await vi.advanceTimersByTimeAsync(9_999);
    expect(onSlow).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(onSlow).toHaveBeenCalledTimes(1);
  });

  test.each([
    ["resolves", async (): Promise<void> => {}],
    ["rejects", (): Promise<void> => Promise.reject(new Error("quick"))],
  ])("is not told of a call that %s in time, and no timer is left", async (_way, subscriber) => {
    vi.useFakeTimers();
    const onSlow = vi.fn();
    const publisher = new Publisher({ onSlow, onError: () => {} });
    publisher.subscribe(Job, subscriber);
    publisher.subscribe(Job, () => {});
    await publisher.publish(new Job());
    expect(vi.getTimerCount()).toBe(0);
    expect(onSlow).not.toHaveBeenCalled();
  });

  test("costs no timer when there is no onSlow, or nothing to wait for", async () => {
    vi.useFakeTimers();
    for (const publisher of [new Publisher({ slowAfterMs: 1 }), new Publisher({ onSlow: () => {} })]) {
      publisher.subscribe(Job, () => {});
      void publisher.publish(new Job());
    }
    const publisher = new Publisher({ slowAfterMs: 1 });
    publisher.subscribe(Job, slow().subscriber);
    void publisher.publish(new Job());
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    [
      "throws",
      (): unknown => {
        throw new Error("handler");
      },
    ],
    [
      "rejects",
      async (): Promise<void> => {
        throw new Error("handler");
      },
    ],
  ])("that %s harms nobody", async (_way, onSlow) => {
    vi.useFakeTimers();
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const publisher = new Publisher({ onSlow, slowAfterMs: 1 });
    const { subscriber, finish } = slow();
    publisher.subscribe(Job, subscriber);
    const published = publisher.publish(new Job());
    await vi.advanceTimersByTimeAsync(1);
    finish();
    await published;
    expect(log.mock.calls).toEqual([["A handler failed:", new Error("handler")]]);
  });

  test("takes its timers from the options, and calls them without a this", async () => {
    const calls: unknown[][] = [];
    const timers: Timers = {
      setTimeout(this: unknown, callback, delayMs) {
        calls.push(["set", this, typeof callback, delayMs]);
        return "timer";
      },
      clearTimeout(this: unknown, timer) {
        calls.push(["clear", this, timer]);
      },
    };
    const publisher = new Publisher({ onSlow: () => {}, slowAfterMs: 5, timers });
    publisher.subscribe(Job, async () => {});
    await publisher.publish(new Job());
    expect(calls).toEqual([
      ["set", undefined, "function", 5],
      ["clear", undefined, "timer"],
    ]);
  });

  test("does not keep the process alive", () => {
    const set = vi.spyOn(globalThis, "setTimeout");
    const publisher = new Publisher({ onSlow: () => {} });
    publisher.subscribe(Job, slow().subscriber);
    void publisher.publish(new Job());
    const timer = set.mock.results[0]?.value;
    expect(timer?.hasRef()).toBe(false);
    clearTimeout(timer);
  });

  test("works where a timer is a number", async () => {
    const set = vi.spyOn(globalThis, "setTimeout").mockReturnValue(Object(7));
    const clear = vi.spyOn(globalThis, "clearTimeout").mockImplementation(() => {});
    const publisher = new Publisher({ onSlow: () => {} });
    publisher.subscribe(Job, async () => {});
    await publisher.publish(new Job());
    expect(set).toHaveBeenCalledTimes(1);
    expect(clear.mock.calls).toEqual([[Object(7)]]);
  });
});
