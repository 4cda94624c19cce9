import { expect, test } from "vitest";
import { SendingScene, untilTimers } from "../testing/sending-scene.js";
import { SimulatedEnv } from "../testing/simulated-env.js";
import { delayAnswer, delayProcessing } from "./index.js";

test("delayProcessing hands the request to the homeserver when the time is over", async () => {
  const env = new SimulatedEnv();
  const scene = await SendingScene.start(delayProcessing(1000), { env });
  const exchange = scene.send();
  await untilTimers(env, 1);
  env.advance(999);
  expect(await scene.texts()).toEqual([]);
  env.advance(1);
  await exchange.untilWhole();
  expect(exchange.status).toBe(200);
  expect(await scene.texts()).toEqual(["Hello"]);
});

test("delayAnswer sends what has been done when the time is over", async () => {
  const env = new SimulatedEnv();
  const scene = await SendingScene.start(delayAnswer(1000), { env });
  const exchange = scene.send();
  await untilTimers(env, 1);
  env.advance(999);
  expect(await scene.texts()).toEqual(["Hello"]);
  expect(exchange.byteCount).toBe(0);
  env.advance(1);
  await exchange.untilWhole();
  expect(exchange.status).toBe(200);
});

test("delayProcessing forgets a request whose client goes away", async () => {
  const env = new SimulatedEnv();
  const scene = await SendingScene.start(delayProcessing(1000), { env });
  const exchange = scene.send();
  await untilTimers(env, 1);
  exchange.socket.destroy();
  await untilTimers(env, 0);
  env.advance(1000);
  expect(await scene.texts()).toEqual([]);
});

test.each([delayProcessing, delayAnswer])("%o leaves no timer behind when the homeserver closes", async (delay) => {
  const env = new SimulatedEnv();
  const scene = await SendingScene.start(delay(1000), { env });
  const exchange = scene.send();
  await untilTimers(env, 1);
  await scene.homeserver.close();
  expect(env.pendingTimers).toBe(0);
  await exchange.ending;
  expect(exchange.byteCount).toBe(0);
});
