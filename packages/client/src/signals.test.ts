import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { abortSignalOf, joinSignals, onAbort, untilAborted } from "./signals.js";

describe("onAbort", () => {
  it("calls what is still wanted when the signal is aborted, with one listener for all of it", () => {
    const controller = new AbortController();
    const [wanted, unwanted] = [vi.fn(), vi.fn()];
    for (let count = 0; count < 100; count++) {
      onAbort(controller.signal, wanted);
      onAbort(controller.signal, unwanted)();
    }
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
    controller.abort();
    expect(wanted).toHaveBeenCalledTimes(100);
    expect(unwanted).not.toHaveBeenCalled();
  });

  it("calls at once when the signal is aborted already", () => {
    const called = vi.fn();
    onAbort(AbortSignal.abort(), called)();
    expect(called).toHaveBeenCalledTimes(1);
  });
});

describe("joinSignals", () => {
  it("does not abort any more when it has ended", () => {
    const controller = new AbortController();
    const joined = joinSignals(undefined, controller.signal);
    joined.end();
    controller.abort();
    expect(joined.signal.aborted).toBe(false);
  });
});

describe("abortSignalOf", () => {
  it("is aborted with the reason of the joined signal, before or after it was asked for", () => {
    for (const isEarly of [false, true]) {
      const controller = new AbortController();
      const joined = joinSignals(controller.signal);
      if (isEarly) controller.abort("enough");
      const signal = abortSignalOf(joined);
      controller.abort("enough");
      expect(signal).toMatchObject({ aborted: true, reason: "enough" });
      expect(abortSignalOf(joined)).toBe(signal);
    }
  });

  it("is an AbortSignal itself, if it was one", () => {
    const { signal } = new AbortController();
    expect(abortSignalOf(signal)).toBe(signal);
  });
});

describe("untilAborted", () => {
  it("passes on what the promise does, if that is first", async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(Promise.resolve(7), signal)).toBe(7);
    expect(await untilAborted(7, signal)).toBe(7);
    await expect(untilAborted(Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
  });

  it("rejects with the signal's reason, if that is first", async () => {
    const controller = new AbortController();
    const waiting = untilAborted(new Promise(() => {}), controller.signal);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});
