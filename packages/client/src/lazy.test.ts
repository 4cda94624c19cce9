import { describe, expect, it } from "vitest";
import { lazy } from "./lazy.js";

describe("lazy", () => {
  it("makes nothing before it is asked, and one value for all who ask", async () => {
    let made = 0;
    const value = lazy(async () => ({ number: ++made }));
    expect(made).toBe(0);
    expect(value.current).toBeUndefined();
    const [first, second] = await Promise.all([value.get(), value.get()]);
    expect(first).toBe(second);
    expect(await value.get()).toBe(first);
    expect(made).toBe(1);
  });

  it("tells a failure to all who waited, forgets it, and tries again on the next call", async () => {
    let attempts = 0;
    const value = lazy(async () => {
      if (++attempts === 1) throw new Error("not yet");
      return attempts;
    });
    const results = await Promise.allSettled([value.get(), value.get()]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(attempts).toBe(1);
    expect(await value.get()).toBe(2);
  });
});
