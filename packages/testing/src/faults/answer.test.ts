import { expect, test } from "vitest";
import type { Interceptor } from "../index.js";
import { SendingScene } from "../testing/sending-scene.js";
import * as faults from "./index.js";

const { answerWith, gatewayError, rateLimited, redirectTo, serverError } = faults;

test.each(["null", "[]", '"text"', "<html></html>", "", "\uFEFF{}", '{"event_id":'])(
  "answerWith answers with %j, byte for byte",
  async (text) => {
    const scene = await SendingScene.start(answerWith(200, text));
    const exchange = await scene.sent();
    expect(exchange.status).toBe(200);
    expect(exchange.header("content-type")).toBe("application/json");
    expect(exchange.header("content-length")).toBe(String(Buffer.byteLength(text)));
    expect(exchange.body.toString()).toBe(text);
    expect(await scene.texts()).toEqual([]);
  },
);

test("answerWith answers with any status and headers, and with bytes", async () => {
  const scene = await SendingScene.start(
    answerWith(418, Uint8Array.of(0, 255), { "content-type": "image/png", "X-Tea": "no" }),
  );
  const exchange = await scene.sent();
  expect(exchange.status).toBe(418);
  expect(exchange.header("content-type")).toBe("image/png");
  expect(exchange.header("x-tea")).toBe("no");
  expect([...exchange.body]).toEqual([0, 255]);
});

test.each([301, 302, 303, 307, 308])("redirectTo sends the client elsewhere with %i", async (status) => {
  const scene = await SendingScene.start(redirectTo("http://127.0.0.1:1/else", status));
  const exchange = await scene.sent();
  expect(exchange.status).toBe(status);
  expect(exchange.header("location")).toBe("http://127.0.0.1:1/else");
});

test.each([
  { limit: {}, header: undefined, ms: undefined },
  { limit: { retryAfter: "2" }, header: "2", ms: undefined },
  { limit: { retryAfter: "Wed, 21 Oct 2026 07:28:00 GMT" }, header: "Wed, 21 Oct 2026 07:28:00 GMT", ms: undefined },
  { limit: { retryAfterMs: 2000 }, header: undefined, ms: 2000 },
  { limit: { retryAfter: "-1", retryAfterMs: 1e12 }, header: "-1", ms: 1e12 },
  { limit: { retryAfterMs: "soon" }, header: undefined, ms: "soon" },
])("rateLimited says what it is told to say: $limit", async ({ limit, header, ms }) => {
  const scene = await SendingScene.start(rateLimited(limit));
  const exchange = await scene.sent();
  expect(exchange.status).toBe(429);
  expect(exchange.header("retry-after")).toBe(header);
  const body: Record<string, unknown> = JSON.parse(exchange.body.toString());
  expect(body).toMatchObject({ errcode: "M_LIMIT_EXCEEDED", error: "Too Many Requests" });
  expect(body["retry_after_ms"]).toBe(ms);
  expect(await scene.texts()).toEqual([]);
});

test("serverError is a 500 M_UNKNOWN", async () => {
  const scene = await SendingScene.start(serverError());
  const exchange = await scene.sent();
  expect(exchange.status).toBe(500);
  expect(JSON.parse(exchange.body.toString())).toMatchObject({ errcode: "M_UNKNOWN" });
});

test.each([502, 503, 504])("gatewayError is a %i with a page", async (status) => {
  const scene = await SendingScene.start(gatewayError(status));
  const exchange = await scene.sent();
  expect(exchange.status).toBe(status);
  expect(exchange.header("content-type")).toMatch(/^text\/html/);
  expect(exchange.body.toString()).toMatch(new RegExp(`^<html>.*${status}`));
  expect(await scene.texts()).toEqual([]);
});

const ANSWERING: Readonly<Record<string, Interceptor>> = {
  answerWith: answerWith(200),
  afterProcessing: faults.afterProcessing(gatewayError()),
  delayAnswer: faults.delayAnswer(0),
  delayProcessing: faults.delayProcessing(0),
  dribbleBody: faults.dribbleBody(0),
  dropInBody: faults.dropInBody(),
  gatewayError: gatewayError(),
  gzipBomb: faults.gzipBomb(1000),
  largeBody: faults.largeBody(1000),
  largeErrorPage: faults.largeErrorPage(1000),
  rateLimited: rateLimited(),
  redirectTo: redirectTo("http://127.0.0.1:1"),
  resetInBody: faults.resetInBody(),
  serverError: serverError(),
  truncateBody: faults.truncateBody(),
  truncateGzip: faults.truncateGzip(),
};

test.each(Object.keys(ANSWERING))("%s answers browsers, too", async (name) => {
  const scene = await SendingScene.start(ANSWERING[name]);
  const exchange = await scene.sent();
  expect(exchange.header("access-control-allow-origin")).toBe("*");
});
