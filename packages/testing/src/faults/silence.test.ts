import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { SendingScene } from "../testing/sending-scene.js";
import { fallSilentAfterProcessing, fallSilentBeforeProcessing } from "./index.js";

test("fallSilentBeforeProcessing answers nothing until the end, and nothing has happened", async () => {
  const scene = await SendingScene.start(fallSilentBeforeProcessing());
  const exchange = scene.send();
  while (!scene.homeserver.requests.some(({ method, path }) => method === "PUT" && path.includes("/send/")))
    await setTimeout(1);
  expect(await scene.texts()).toEqual([]);
  expect([exchange.byteCount, exchange.socket.readyState]).toEqual([0, "open"]);
  await scene.homeserver.close();
  await exchange.ending;
  expect(exchange.byteCount).toBe(0);
});

test("fallSilentAfterProcessing answers nothing until the end, and the message is there", async () => {
  const scene = await SendingScene.start(fallSilentAfterProcessing());
  const exchange = scene.send();
  await scene.untilSaid();
  expect([exchange.byteCount, exchange.socket.readyState]).toEqual([0, "open"]);
  await scene.homeserver.close();
  await exchange.ending;
  expect(exchange.byteCount).toBe(0);
});
