import { describe, expect, it } from "vitest";
import { openEnv } from "./env.js";
import { retryAfterMs } from "./retry-after.js";

const { env } = openEnv({ now: () => Date.UTC(2026, 0, 1) });
const headers = (value: string | null) => ({ get: () => value });

describe("retryAfterMs", () => {
  it.each([
    ["seconds", "3", undefined, 3000],
    ["fractions of seconds", "0.25", undefined, 250],
    ["a date", "Thu, 01 Jan 2026 00:00:10 GMT", undefined, 10_000],
    ["a date that is over", "Thu, 01 Jan 2015 00:00:10 GMT", undefined, 0],
    ["a date as they were once written", "Thursday, 01-Jan-26 00:00:10 GMT", undefined, 10_000],
    ["the body when the header is no date but could be one", "-5", { retry_after_ms: 9 }, 9],
    ["the header before the body", "1", { retry_after_ms: 9 }, 1000],
    ["the body when the header makes no sense", "soon", { retry_after_ms: 9 }, 9],
    ["the body when there is no header", null, { retry_after_ms: 1500 }, 1500],
    ["nothing for a negative time", null, { retry_after_ms: -1 }, undefined],
    ["nothing for a time that is not a number", null, { retry_after_ms: "1500" }, undefined],
    ["nothing for a body that is not an object", null, [], undefined],
  ])("reads %s", (_, header, body, expected) => {
    expect(retryAfterMs(headers(header), body, env)).toBe(expected);
  });
});
