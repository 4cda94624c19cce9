import { once } from "node:events";
import { expect, test } from "vitest";
import { delayAnswer, dropAfterProcessing, truncateBody } from "./faults/index.js";
import { RawExchange } from "./testing/raw-exchange.js";
import { SEND, SendingScene, untilTimers } from "./testing/sending-scene.js";
import { SimulatedEnv } from "./testing/simulated-env.js";

test("process() hands over what the homeserver answers, and sends nothing", async () => {
  const scene = await SendingScene.start(async (_request, response, _pass, homeserver) => {
    const { status, headers, body } = await homeserver.process();
    response.end(JSON.stringify([status, headers["content-type"], Object.keys(JSON.parse(body.toString()) as object)]));
  });
  const { body } = await scene.sent();
  expect(JSON.parse(body.toString())).toEqual([200, "application/json", ["event_id"]]);
  expect(await scene.texts()).toEqual(["Hello"]);
});

test("process() takes in what an older interceptor writes, in pieces too", async () => {
  const scene = await SendingScene.start((_request, response) => {
    response.writeHead(418, { "X-Tea": "no" });
    response.write("a");
    response.write("62", "hex");
    response.write(new Uint8Array([99]), () => response.end("64", "hex", () => {}));
  });
  scene.homeserver.intercept(SEND, truncateBody());
  const exchange = await scene.sent();
  expect(exchange.status).toBe(418);
  expect(exchange.header("x-tea")).toBe("no");
  expect(exchange.body.toString()).toBe("ab");
});

test("process() takes in what an older interceptor ends with, and calls it back", async () => {
  let calls = 0;
  const scene = await SendingScene.start((_request, response) => {
    response.once("finish", () => calls++);
    response.end("e29c93", "hex", () => calls++);
  });
  scene.homeserver.intercept(SEND, delayAnswer(0));
  expect((await scene.sent()).body.toString()).toBe("✓");
  expect(calls).toBe(2);
});

test("an error behind process() is answered as a 500", async () => {
  const scene = await SendingScene.start(() => {
    throw new Error("broken");
  });
  scene.homeserver.intercept(SEND, dropAfterProcessing());
  const exchange = await scene.sent();
  expect(exchange.status).toBe(500);
  expect(exchange.body.toString()).toContain("broken");
});

test("an answer that is cut behind process() cuts the connection", async () => {
  const scene = await SendingScene.start((_request, response) => void response.destroy());
  scene.homeserver.intercept(SEND, delayAnswer(0));
  const exchange = scene.send();
  await exchange.ending;
  expect(exchange.byteCount).toBe(0);
});

test("a long poll behind process() is dropped when its client goes", async () => {
  const env = new SimulatedEnv();
  const scene = await SendingScene.start(undefined, { env });
  const { next_batch: since } = await scene.user.sync();
  scene.homeserver.intercept("/_matrix/client/v3/sync", dropAfterProcessing());
  const exchange = new RawExchange(scene.user, "GET", `/sync?timeout=30000&since=${since}`);
  await untilTimers(env, 1);
  exchange.socket.destroy();
  await untilTimers(env, 0);
});

test("a long poll whose client has gone before process() does not begin to wait", async () => {
  const env = new SimulatedEnv();
  const scene = await SendingScene.start(undefined, { env });
  const { next_batch: since } = await scene.user.sync();
  let exchange: RawExchange | undefined;
  const answer = await new Promise((resolve) => {
    scene.homeserver.intercept("/_matrix/client/v3/sync", async (_request, response, _pass, homeserver) => {
      exchange?.socket.destroy();
      await once(response, "close");
      resolve(await homeserver.process());
    });
    exchange = new RawExchange(scene.user, "GET", `/sync?timeout=30000&since=${since}`);
  });
  expect(answer).toHaveProperty("body");
  expect(env.pendingTimers).toBe(0);
});
