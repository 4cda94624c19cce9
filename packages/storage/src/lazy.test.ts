import { expect, test } from "vitest";
import { Lazy } from "./lazy.js";

test("makes a thing once, for all who ask, when the first one does", async () => {
  let count = 0;
  const lazy = new Lazy(async () => ++count);
  expect(lazy.made).toBeUndefined();
  expect(await Promise.all([lazy.get(), lazy.get()])).toEqual([1, 1]);
  expect(await lazy.made).toBe(1);
});

test("forgets a failure, so that the next one who asks tries again", async () => {
  let count = 0;
  const lazy = new Lazy(() => {
    if (++count === 1) throw new Error("not yet");
    return Promise.resolve(count);
  });
  await expect(lazy.get()).rejects.toThrow("not yet");
  expect(lazy.made).toBeUndefined();
  expect(await lazy.get()).toBe(2);
});
