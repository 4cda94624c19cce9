import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { SendingScene } from "../testing/sending-scene.js";
import { endlessBody, gzipBomb, largeBody, largeErrorPage } from "./index.js";

test("endlessBody goes on and on, as fast as the client takes it", async () => {
  const scene = await SendingScene.start(endlessBody());
  const exchange = scene.send();
  await exchange.until(1_000_000);
  exchange.socket.pause();
  expect(await scene.texts()).toEqual([]);
  exchange.socket.resume();
  await exchange.until(10_000_000);
  expect(exchange.status).toBe(200);
  expect(exchange.header("content-length")).toBeUndefined();
  exchange.socket.destroy();
});

test.each([14, 15, 65_550, 5_000_000])("largeBody is a JSON object of %i bytes", async (bytes) => {
  const scene = await SendingScene.start(largeBody(bytes));
  const { status, body } = await scene.sent();
  expect(status).toBe(200);
  expect(body.length).toBe(bytes);
  expect(JSON.parse(body.toString())).toEqual({ padding: "a".repeat(bytes - 14) });
  expect(await scene.texts()).toEqual([]);
});

test("largeErrorPage is an HTML page with an error status", async () => {
  const scene = await SendingScene.start(largeErrorPage(1_000_000, 503));
  const exchange = await scene.sent();
  expect(exchange.status).toBe(503);
  expect(exchange.header("content-type")).toMatch(/^text\/html/);
  expect(exchange.body.length).toBe(1_000_000);
  expect(exchange.body.subarray(0, 9).toString()).toBe("<html>aaa");
});

test("gzipBomb inflates to a thousand times as much JSON, each time", async () => {
  const scene = await SendingScene.start(gzipBomb(5_000_000));
  for (let i = 0; i < 2; i++) {
    const exchange = await scene.sent();
    expect(exchange.header("content-encoding")).toBe("gzip");
    expect(exchange.body.length).toBeLessThan(6000);
    const inflated = gunzipSync(exchange.body);
    expect(inflated.length).toBe(5_000_000);
    expect(JSON.parse(inflated.toString())).toHaveProperty("padding");
  }
});
