import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";
import { setImmediate } from "node:timers/promises";
import { inspect } from "node:util";
import { expect, it } from "vitest";
import { Client } from "./client.js";
import type { RequestDiagnostics } from "./diagnostics.js";
import { trace } from "./diagnostics-node.js";
import { trace as traceNowhere } from "./diagnostics-none.js";
import { endpoint } from "./endpoint.js";
import { closing } from "./testing/closing.js";
import { startWire } from "./testing/wire.js";

const channel = tracingChannel<unknown, RequestDiagnostics>("mx.client.request");

interface Told {
  readonly when: string;
  /** The object itself. */
  readonly context: object;
  /** What was in it at that moment. */
  readonly found: object;
}

/** Listens until the test is over. */
function listen(): Told[] {
  const told: Told[] = [];
  const listener = (when: string) => (context: object) => {
    told.push({ when, context, found: { ...context } });
  };
  const listeners = {
    start: listener("start"),
    end: listener("end"),
    asyncStart: listener("asyncStart"),
    asyncEnd: listener("asyncEnd"),
    error: listener("error"),
  };
  channel.subscribe(listeners);
  closing({ close: () => channel.unsubscribe(listeners) });
  return told;
}

function call(): RequestDiagnostics {
  return { method: "GET", template: "v3/rooms/{}/state", homeserver: "https://matrix.example.org", attempts: 0 };
}

/** A clock on which 20 ms pass between two looks at it. */
function clock(): () => number {
  let nowMs = 1000;
  return () => (nowMs += 20);
}

/** Work that takes two attempts. */
function answering(context: RequestDiagnostics, answer: object): () => Promise<object> {
  return async () => {
    for (context.status of [502, 200]) {
      context.attempts++;
      await setImmediate();
    }
    return answer;
  };
}

it("tells when a call begins and how it ends, and nothing of its answer", async () => {
  const told = listen();
  const context = call();
  const answer = { access_token: "syt_secret" };

  expect(await trace(context, clock(), answering(context, answer))).toBe(answer);

  expect(told.map(({ when }) => when)).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
  expect(told[0]?.found).toEqual(call());
  expect(told[3]?.found).toEqual({ ...call(), attempts: 2, status: 200, durationMs: 20, result: undefined });
  expect(told.every((each) => each.context === context)).toBe(true);
});

it("tells of a failure, which the caller sees as it was", async () => {
  const told = listen();
  const failure = new Error("no answer");
  await expect(trace(call(), clock(), () => Promise.reject(failure))).rejects.toBe(failure);
  expect(told.map(({ when }) => when)).toEqual(["start", "end", "error", "asyncStart", "asyncEnd"]);
  expect(told[4]?.found).toEqual({ ...call(), durationMs: 20, error: failure });
});

it("runs the call inside the span of a tracer that binds a store to its start", async () => {
  const spans = new AsyncLocalStorage<string>();
  channel.start.bindStore(spans, (context) => `span of ${context.template}`);
  closing({ close: () => channel.start.unbindStore(spans) });
  const found = await trace(call(), clock(), async () => {
    await setImmediate();
    return spans.getStore();
  });
  expect(found).toBe("span of v3/rooms/{}/state");
  expect(spans.getStore()).toBeUndefined();
});

it.each(["start", "end", "asyncStart", "asyncEnd", "error"] as const)("sees who listens to %s alone", async (name) => {
  const contexts: unknown[] = [];
  const listener = (context: unknown): void => void contexts.push(context);
  channel[name].subscribe(listener);
  closing({ close: () => channel[name].unsubscribe(listener) });
  const context = call();
  await trace(context, clock(), () => Promise.reject(new Error("no answer"))).catch(() => {});
  expect(contexts).toEqual([context]);
});

it("tells of a client's request with all its attempts, and nothing that is secret (threats 3, 4)", async () => {
  const wire = closing(
    await startWire((_request, response) => {
      response.statusCode = wire.requests.length === 1 ? 502 : 200;
      response.end('{"access_token":"secret answer"}');
    }),
  );
  const baseClientUrl = `${wire.url}/_matrix/client/`;
  // The pause between two attempts is cut short, the deadline is not.
  const env = { setTimeout: (next: () => void, ms: number): unknown => setTimeout(next, ms < 60_000 ? 0 : ms) };
  const client = closing(new Client({ storage: new Map(), baseClientUrl, env }));
  const told = listen();
  await client.request("put", endpoint`v3/rooms/${"!secret"}/typing/${"@secret"}`, {
    authenticated: false,
    query: { since: "secret" },
    body: { secret: "secret" },
  });

  const asked = { method: "PUT", template: "v3/rooms/{}/typing/{}", homeserver: wire.url };
  expect(told[0]?.found).toEqual({ ...asked, attempts: 0 });
  expect(told.at(-1)?.found).toEqual({ ...asked, attempts: 2, status: 200, durationMs: expect.any(Number) });
  expect(inspect(told, { depth: Infinity, showHidden: true })).not.toContain("secret");
});

it.each([
  ["where nobody listens", trace],
  ["where there are no channels", traceNowhere],
])("does nothing but the work %s", async (_where, traceThere) => {
  const context = call();
  const promise = Promise.resolve("answer");
  const clockNobodyLooksAt = (): number => {
    throw new Error("Cannot tell the time");
  };
  expect(traceThere(context, clockNobodyLooksAt, () => promise)).toBe(promise);
  expect(context).toEqual(call());
});
