import { describe, expect, it } from "vitest";
import { withDeadline } from "./deadline.js";
import { type Env, openEnv } from "./env.js";
import type { JoinedSignal } from "./signals.js";

/** A world whose timers a test counts, and lets go off. */
function world() {
  const timers = new Map<unknown, { callback: () => void; delayMs: number }>();
  const env: Env = {
    ...openEnv().env,
    setTimeout(callback, delayMs) {
      const timer = Symbol("timer");
      timers.set(timer, { callback, delayMs });
      return timer;
    },
    clearTimeout: (timer) => void timers.delete(timer),
  };
  return { env, timers };
}

const untilAborted = ({ signal }: JoinedSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });

describe("withDeadline", () => {
  it("aborts what takes too long, says how long that is, and what was tried", async () => {
    const { env, timers } = world();
    const limits = { env, attempt: "GET v3/sync", timeoutMs: 500, signals: [] };
    const late = withDeadline(limits, untilAborted);
    for (const { callback, delayMs } of timers.values()) if (delayMs === 500) callback();
    await expect(late).rejects.toMatchObject({
      name: "ConnectionError",
      message: "Cannot GET v3/sync: no whole answer within 500 ms",
    });
  });

  it("aborts with the reason of the first signal, also of one that is aborted already", async () => {
    const { env } = world();
    const reason = new Error("enough");
    const limits = { env, attempt: "", timeoutMs: 500 };
    const controller = new AbortController();
    const running = withDeadline({ ...limits, signals: [undefined, controller.signal] }, untilAborted);
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    const signals = [new AbortController().signal, AbortSignal.abort(reason)];
    await withDeadline({ ...limits, signals }, async (signal) => expect(signal.reason).toBe(reason));
  });

  it("leaves no timer behind, however it ends", async () => {
    const { env, timers } = world();
    const limits = { env, attempt: "", timeoutMs: 500, signals: [] };
    await withDeadline(limits, async () => expect(timers.size).toBe(1));
    expect(timers.size).toBe(0);
    await expect(withDeadline(limits, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(timers.size).toBe(0);
  });

  it("listens to nothing any more when it has ended", async () => {
    const { env } = world();
    const controller = new AbortController();
    const limits = { env, attempt: "", timeoutMs: 500, signals: [controller.signal] };
    const limit = await withDeadline(limits, async (signal) => signal);
    controller.abort();
    expect(limit.aborted).toBe(false);
  });

  it("takes any number for a time: a timer that is too long for the runtime does not go off at once", async () => {
    const { env, timers } = world();
    for (const timeoutMs of [Infinity, 2 ** 40]) {
      await withDeadline({ env, attempt: "", timeoutMs, signals: [] }, async () => {
        for (const { delayMs } of timers.values()) expect(delayMs).toBe(2 ** 31 - 1);
      });
    }
  });
});
