import { describe, expect, it } from "vitest";
import { BodyTooLargeError } from "./body.js";
import type { Env } from "./env.js";
import { ConnectionError, MatrixError } from "./errors.js";
import type { HttpRequest } from "./exchange.js";
import { withRetries } from "./retry.js";

/** A world in which every wait is over at once, and is written down. */
function world() {
  const waits: number[] = [];
  let now = 0;
  const env: Env = {
    fetch: () => Promise.reject(new Error("not used")),
    now: () => now,
    setTimeout(callback, delayMs) {
      waits.push(delayMs);
      now += delayMs;
      queueMicrotask(callback);
    },
    clearTimeout() {},
    randomBytes: (length) => new Uint8Array(length),
  };
  return { env, waits };
}

const refusal = (status: number, retryAfterMs?: number) =>
  new MatrixError("no", { errcode: "M_X", status, data: {}, retryAfterMs });
const lost = new ConnectionError("lost");
const garbled = new ConnectionError("garbled", { status: 200 });

/** Runs a request whose attempts end with `errors`, one after the other, and then with success. */
async function attempt(method: string, errors: Error[], timeoutMs = 60_000) {
  const { env, waits } = world();
  let attempts = 0;
  const exchange = withRetries(async () => {
    const error = errors[attempts++];
    if (error) throw error;
    return { ok: true };
  }, env);
  const { signal } = new AbortController();
  const request: HttpRequest = {
    method,
    url: "",
    headers: {},
    redirect: "manual",
    signal,
    timeoutMs,
    maxBodyBytes: 1,
    attempt: method,
  };
  const outcome = await exchange(request).catch((error: unknown) => error);
  return { outcome, attempts, waits };
}

describe("withRetries", () => {
  it.each(["GET", "PUT", "POST", "DELETE"])(
    "waits for as long as a rate limit asks, then repeats a %s",
    async (method) => {
      expect(await attempt(method, [refusal(429, 1234)])).toEqual({
        outcome: { ok: true },
        attempts: 2,
        waits: [1234],
      });
    },
  );

  it("backs off by itself from a rate limit that does not say for how long", async () => {
    expect(await attempt("POST", [refusal(429), refusal(429)])).toMatchObject({ attempts: 3, waits: [500, 1000] });
  });

  it.each(["GET", "PUT", "DELETE"])(
    "repeats a %s at once after a lost connection, and then with growing waits",
    async (method) => {
      expect(await attempt(method, [lost, lost, garbled])).toEqual({
        outcome: { ok: true },
        attempts: 4,
        waits: [0, 1000, 2000],
      });
    },
  );

  it.each(["GET", "PUT"])("repeats a %s after a 5xx, after the time that it asks for if it does", async (method) => {
    expect(await attempt(method, [refusal(502), refusal(503, 7)])).toMatchObject({ attempts: 3, waits: [500, 7] });
  });

  it.each([lost, garbled, refusal(500)])("does not repeat a POST that may have been processed: %s", async (error) => {
    expect(await attempt("POST", [error])).toEqual({ outcome: error, attempts: 1, waits: [] });
  });

  it.each([refusal(400), refusal(403), refusal(404), new ConnectionError("a redirect", { status: 302 })])(
    "takes a refusal for final: %j",
    async (error) => {
      expect(await attempt("GET", [error])).toEqual({ outcome: error, attempts: 1, waits: [] });
    },
  );

  it("does not ask again for an answer that was too large", async () => {
    expect(await attempt("GET", [new BodyTooLargeError("large")])).toMatchObject({ attempts: 1 });
  });

  it("gives up after five attempts with the last error", async () => {
    const last = new ConnectionError("the fifth");
    expect(await attempt("GET", [lost, lost, lost, lost, last, lost])).toMatchObject({ outcome: last, attempts: 5 });
  });

  it("does not begin a wait that ends after the deadline", async () => {
    const limit = refusal(429, 2000);
    expect(await attempt("GET", [limit], 2000)).toEqual({ outcome: limit, attempts: 1, waits: [] });
    expect(await attempt("GET", [refusal(429, 1500), limit], 2000)).toMatchObject({ outcome: limit, attempts: 2 });
  });

  it("does not repeat what failed for a reason of its own", async () => {
    const bug = new TypeError("a bug");
    expect(await attempt("GET", [bug])).toMatchObject({ outcome: bug, attempts: 1 });
  });

  it("does not repeat what was aborted, nor wait for it", async () => {
    const { env, waits } = world();
    const controller = new AbortController();
    let attempts = 0;
    const exchange = withRetries(async () => {
      attempts++;
      controller.abort(lost);
      throw lost;
    }, env);
    const request = {
      method: "GET",
      url: "",
      headers: {},
      redirect: "manual",
      timeoutMs: 9,
      maxBodyBytes: 1,
      attempt: "",
    } as const;
    await expect(exchange({ ...request, signal: controller.signal })).rejects.toBe(lost);
    expect([attempts, waits]).toEqual([1, []]);
  });
});
