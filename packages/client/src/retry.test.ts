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
    monotonicMs: () => now,
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
  new MatrixError("no", { errcode: "M_X", status, data: {}, retryAfterMs, outcomeUnknown: status >= 500 });
const badGateway = new ConnectionError("no Matrix error", { status: 502, outcomeUnknown: true });
const lost = new ConnectionError("lost", { outcomeUnknown: true });
const garbled = new ConnectionError("garbled", { status: 200, outcomeUnknown: true });
const unsent = new ConnectionError("nobody there", {
  cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }),
});

function requestOf(method: string, overrides: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method,
    url: "",
    headers: {},
    signal: new AbortController().signal,
    timeoutMs: 60_000,
    maxBodyBytes: 1,
    attempt: method,
    idempotent: method !== "POST",
    diagnostics: { attempts: 0 },
    ...overrides,
  };
}

/** Runs a request whose attempts end with `errors`, one after the other, and then with success. */
async function attempt(method: string, errors: Error[], timeoutMs = 60_000) {
  const { env, waits } = world();
  let attempts = 0;
  const exchange = withRetries(async () => {
    const error = errors[attempts++];
    if (error) throw error;
    return { ok: true };
  }, env);
  const outcome = await exchange(requestOf(method, { timeoutMs })).catch((error: unknown) => error);
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
    expect(await attempt(method, [refusal(502), refusal(503, 70)])).toMatchObject({ attempts: 3, waits: [500, 70] });
  });

  it("repeats even a POST that was never sent", async () => {
    expect(await attempt("POST", [unsent, unsent])).toEqual({ outcome: { ok: true }, attempts: 3, waits: [0, 1000] });
  });

  it("repeats what answers an error of its own three times at most, for it may do so for ever", async () => {
    const errors = Array.from({ length: 9 }, () => refusal(500));
    expect(await attempt("PUT", errors)).toMatchObject({ outcome: errors[2], attempts: 3 });
  });

  it("repeats a request whose refusal came with no words: they may be those of a token that has ended", async () => {
    const wordless = new ConnectionError("401 with no Matrix error", { status: 401 });
    expect(await attempt("POST", [wordless])).toMatchObject({ outcome: { ok: true }, attempts: 2 });
  });

  it("asks a homeserver that asks to come back at once 20 times a second at most (threat 8)", async () => {
    expect(await attempt("GET", [refusal(429, 0), refusal(429, 1)])).toMatchObject({ attempts: 3, waits: [50, 50] });
  });

  it("does not sleep for longer than the request may take, whatever it is asked (threat 8)", async () => {
    const limit = refusal(429, 1e12);
    expect(await attempt("GET", [limit])).toEqual({ outcome: limit, attempts: 1, waits: [] });
  });

  it("measures time on a clock that nobody sets (threat 28)", async () => {
    let now = 0;
    const { env } = world();
    const exchange = withRetries(
      () => {
        now += 30 * 24 * 3600 * 1000;
        return now > 1e10 ? Promise.resolve({ ok: true }) : Promise.reject(lost);
      },
      { ...env, now: () => now },
    );
    expect(await exchange(requestOf("GET"))).toEqual({ ok: true });
  });

  it.each([lost, garbled, badGateway, refusal(500)])(
    "does not repeat a POST that may have been processed: %s",
    async (error) => {
      expect(await attempt("POST", [error])).toEqual({ outcome: error, attempts: 1, waits: [] });
    },
  );

  it.each([refusal(400), refusal(403), refusal(404), new ConnectionError("a redirect", { status: 302 })])(
    "takes a refusal for final: %j",
    async (error) => {
      expect(await attempt("GET", [error])).toEqual({ outcome: error, attempts: 1, waits: [] });
    },
  );

  it("does not ask again for an answer that was too large", async () => {
    expect(await attempt("GET", [new BodyTooLargeError("large")])).toMatchObject({ attempts: 1 });
  });

  it.each([
    ["a lost connection", lost, 10],
    ["an answer that makes no sense", garbled, 6],
    ["nobody who answers", unsent, 6],
    ["a proxy's error", badGateway, 6],
  ])("gives up on %s in the end", async (_, error, limit) => {
    const errors = Array.from({ length: 20 }, () => error);
    expect(await attempt("GET", errors, 1e9)).toMatchObject({ outcome: error, attempts: limit });
  });

  it("remembers that an attempt may have been processed, for the error of a later one", async () => {
    const told: unknown[] = [];
    const errors = [unsent, lost, unsent];
    const exchange = withRetries(({ wasSent = false }) => {
      told.push(wasSent);
      const error = errors.shift();
      return error ? Promise.reject(error) : Promise.resolve({ ok: true });
    }, world().env);
    await exchange(requestOf("PUT"));
    expect(told).toEqual([false, false, true, true]);
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
    await expect(exchange(requestOf("GET", { signal: controller.signal }))).rejects.toBe(lost);
    expect([attempts, waits]).toEqual([1, []]);
  });
});
