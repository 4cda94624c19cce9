import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { SendingScene } from "../testing/sending-scene.js";
import { times, truncateBody, truncateGzip } from "./index.js";

test("truncateBody sends half of the JSON, and says that it is all", async () => {
  const scene = await SendingScene.start(times(1, truncateBody()));
  const cut = await scene.sent();
  const whole = await scene.sent();
  expect(cut.status).toBe(200);
  expect(cut.body).toEqual(whole.body.subarray(0, whole.body.length / 2));
  expect(cut.header("content-length")).toBe(String(cut.body.length));
  expect(await scene.texts()).toEqual(["Hello"]);
});

test("truncateGzip sends half of what gzip has made of the JSON, and says that it is all", async () => {
  const scene = await SendingScene.start(times(1, truncateGzip()));
  const cut = await scene.sent();
  const whole = await scene.sent();
  const compressed = gzipSync(whole.body);
  expect(cut.header("content-encoding")).toBe("gzip");
  expect(cut.body).toEqual(compressed.subarray(0, compressed.length / 2));
  expect(cut.header("content-length")).toBe(String(cut.body.length));
  expect(await scene.texts()).toEqual(["Hello"]);
});

test("a gzip stream that was cut is taken for whole by the runtime's fetch, in part", async () => {
  const { homeserver, user } = await SendingScene.start();
  homeserver.intercept("/_matrix/client/v3/capabilities", truncateGzip());
  const target = `${homeserver.url}/_matrix/client/v3/capabilities`;
  const text = await (await fetch(target, { headers: { authorization: `Bearer ${user.accessToken}` } })).text();
  expect(text.slice(0, 10)).toBe('{"capabili');
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
});
