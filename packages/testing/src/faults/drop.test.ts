import { expect, test } from "vitest";
import { SendingScene } from "../testing/sending-scene.js";
import {
  dropAfterProcessing,
  dropBeforeProcessing,
  dropInBody,
  resetAfterProcessing,
  resetBeforeProcessing,
  resetInBody,
  times,
} from "./index.js";

test.each([
  [dropBeforeProcessing, "FIN"],
  [resetBeforeProcessing, "RST"],
] as const)("%o ends the connection with a %s, and nothing has happened", async (cut, ending) => {
  const scene = await SendingScene.start(cut());
  const exchange = scene.send();
  expect(await exchange.ending).toBe(ending);
  expect(exchange.byteCount).toBe(0);
  expect(await scene.texts()).toEqual([]);
});

test.each([
  [dropAfterProcessing, "FIN"],
  [resetAfterProcessing, "RST"],
] as const)("%o ends the connection with a %s, and the message is there", async (cut, ending) => {
  const scene = await SendingScene.start(times(1, cut()));
  const exchange = scene.send();
  expect(await exchange.ending).toBe(ending);
  expect(exchange.byteCount).toBe(0);
  expect(await scene.texts()).toEqual(["Hello"]);
  expect((await scene.sent()).status).toBe(200);
  expect(await scene.texts()).toEqual(["Hello"]);
});

test.each([
  [dropInBody, "FIN"],
  [resetInBody, "RST"],
] as const)("%o ends the connection with a %s in the middle of the body", async (cut, ending) => {
  const scene = await SendingScene.start(times(1, cut()));
  const half = scene.send();
  expect(await half.ending).toBe(ending);
  const whole = await scene.sent();
  expect(half.status).toBe(200);
  expect(half.header("content-length")).toBe(String(whole.body.length));
  expect(half.body).toEqual(whole.body.subarray(0, whole.body.length / 2));
  expect(await scene.texts()).toEqual(["Hello"]);
});
