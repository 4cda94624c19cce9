import { describe, expect, it } from "vitest";
import { Unfinished } from "./unfinished.js";

describe("Unfinished", () => {
  it("waits for what has begun, well or not, and begins nothing more when the client is being closed", async () => {
    const closing = new AbortController();
    const unfinished = new Unfinished(closing.signal);
    const log: string[] = [];
    const work = (name: string) => async (): Promise<void> => {
      for (let tick = 0; tick < 9; tick++) await Promise.resolve();
      log.push(name);
      throw new Error(name);
    };
    const outcomes = Promise.allSettled([unfinished.run(work("one")), unfinished.run(work("two"))]);
    closing.abort(new Error("closing"));
    await unfinished.settled();
    expect(log).toEqual(["one", "two"]);
    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expect(unfinished.run(work("three"))).rejects.toThrow("closing");
    expect(log).toEqual(["one", "two"]);
  });
});
