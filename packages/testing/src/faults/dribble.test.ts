import { expect, test } from "vitest";
import { SendingScene, untilTimers } from "../testing/sending-scene.js";
import { SimulatedEnv } from "../testing/simulated-env.js";
import { dribbleBody, dribbleHeaders } from "./index.js";

test("dribbleHeaders sends the headers byte by byte, and then the whole body", async () => {
  const env = new SimulatedEnv();
  const scene = await SendingScene.start(dribbleHeaders(1000), { env });
  const exchange = scene.send();
  await untilTimers(env, 1);
  expect(exchange.byteCount).toBe(0);
  while (!exchange.text.includes("\r\n\r\n")) {
    const { byteCount } = exchange;
    await untilTimers(env, 1);
    env.advance(999);
    expect(exchange.byteCount).toBe(byteCount);
    env.advance(1);
    await exchange.until(byteCount + 1);
    if (exchange.body.length === 0) expect(exchange.byteCount).toBe(byteCount + 1);
  }
  expect(await exchange.ending).toBe("FIN");
  expect(exchange.status).toBe(200);
  expect(exchange.header("access-control-allow-origin")).toBe("*");
  expect(exchange.header("content-length")).toBe(String(exchange.body.length));
  expect(JSON.parse(exchange.body.toString())).toHaveProperty("event_id");
  expect(await scene.texts()).toEqual(["Hello"]);
});

test("dribbleBody sends the headers at once, and the body byte by byte", async () => {
  const env = new SimulatedEnv();
  const scene = await SendingScene.start(dribbleBody(1000), { env });
  const exchange = scene.send();
  while (!exchange.text.includes("\r\n\r\n")) await exchange.until(exchange.byteCount + 1);
  const length = Number(exchange.header("content-length"));
  expect(length).toBeGreaterThan(20);
  for (let count = 0; count < length; count++) {
    await untilTimers(env, 1);
    expect(exchange.body.length).toBe(count);
    env.advance(1000);
    await exchange.until(exchange.byteCount + 1);
  }
  expect(JSON.parse(exchange.body.toString())).toHaveProperty("event_id");
  expect(await scene.texts()).toEqual(["Hello"]);
  exchange.socket.destroy();
});

test.each([dribbleHeaders, dribbleBody])("%o stops when the client goes away", async (dribble) => {
  const env = new SimulatedEnv();
  const scene = await SendingScene.start(dribble(1000), { env });
  const exchange = scene.send();
  await untilTimers(env, 1);
  env.advance(1000);
  await exchange.until(1);
  exchange.socket.destroy();
  await untilTimers(env, 0);
});

test.each([dribbleHeaders, dribbleBody])("%o leaves no timer behind when the homeserver closes", async (dribble) => {
  const env = new SimulatedEnv();
  const scene = await SendingScene.start(dribble(1000), { env });
  const exchange = scene.send();
  await untilTimers(env, 1);
  await scene.homeserver.close();
  expect(env.pendingTimers).toBe(0);
  await exchange.ending;
});
