import { expect, test } from "vitest";
import type { Interceptor } from "../index.js";
import { SendingScene } from "../testing/sending-scene.js";
import * as faults from "./index.js";

const { afterProcessing, answerWith, gatewayError, mixed, onlyFor, serverError, sometimes, times } = faults;

async function statuses(fault: Interceptor, count: number): Promise<number[]> {
  const scene = await SendingScene.start(fault);
  const found: number[] = [];
  for (let i = 0; i < count; i++) found.push((await scene.sent()).status);
  return found;
}

test("afterProcessing answers with the fault when the message is there", async () => {
  const scene = await SendingScene.start(times(1, afterProcessing(gatewayError(504))));
  const failed = await scene.sent();
  expect(failed.status).toBe(504);
  expect(failed.body.toString()).toMatch(/^<html>/);
  expect(await scene.texts()).toEqual(["Hello"]);
  expect((await scene.sent()).status).toBe(200);
  expect(await scene.texts()).toEqual(["Hello"]);
});

test("afterProcessing processes once, even if the fault processes or passes", async () => {
  const scene = await SendingScene.start();
  const roomCount = async (): Promise<number> =>
    (await scene.user.get<{ joined_rooms: string[] }>("/joined_rooms")).body.joined_rooms.length;
  const before = await roomCount();
  for (const fault of [faults.delayAnswer(0), times(0, serverError())]) {
    const remove = scene.homeserver.intercept("/_matrix/client/v3/createRoom", afterProcessing(fault));
    await scene.user.createRoom();
    remove();
  }
  expect(await roomCount()).toBe(before + 2);
});

test("times is over after so many requests", async () => {
  expect(await statuses(times(2, serverError()), 4)).toEqual([500, 500, 200, 200]);
});

test("times counts requests that come together", async () => {
  const scene = await SendingScene.start(times(2, faults.delayProcessing(1)));
  scene.homeserver.intercept(/\/send\//, times(3, faults.afterProcessing(answerWith(418))));
  const exchanges = await Promise.all(Array.from({ length: 5 }, () => scene.sent()));
  expect(exchanges.filter(({ status }) => status === 418).length).toBe(3);
});

test("sometimes hits a share of the requests, the same ones for the same seed", async () => {
  const found = await statuses(sometimes(0.3, 7, serverError()), 100);
  expect(await statuses(sometimes(0.3, 7, serverError()), 100)).toEqual(found);
  expect(await statuses(sometimes(0.3, 8, serverError()), 100)).not.toEqual(found);
  const hits = found.filter((status) => status === 500).length;
  expect(hits).toBeGreaterThan(15);
  expect(hits).toBeLessThan(45);
});

test.each([
  [0, 200],
  [1, 500],
])("sometimes with a probability of %i answers all with %i", async (probability, status) => {
  expect(new Set(await statuses(sometimes(probability, 1, serverError()), 20))).toEqual(new Set([status]));
});

test.each([20, -0.1, 1.01, NaN, Infinity, "0.5"])("sometimes takes no %s for a probability", (probability) => {
  const make = (): unknown => Reflect.apply(sometimes, undefined, [probability, 1, serverError()]);
  expect(make).toThrow(TypeError);
  expect(make).toThrow(/from 0 to 1/);
});

test.each([-1, 0.5, NaN, "2"])("times takes no %s for a count", (count) => {
  const make = (): unknown => Reflect.apply(times, undefined, [count, serverError()]);
  expect(make).toThrow(TypeError);
  expect(make).toThrow(/whole number from 0/);
});

test("times takes as many as there are", () => {
  expect(() => times(Infinity, serverError())).not.toThrow();
});

test.each<[name: string, make: (fault: unknown) => unknown]>([
  ["times", (fault) => Reflect.apply(times, undefined, [1, fault])],
  ["sometimes", (fault) => Reflect.apply(sometimes, undefined, [1, 1, fault])],
  ["mixed", (fault) => Reflect.apply(mixed, undefined, [1, [fault]])],
  ["onlyFor", (fault) => Reflect.apply(onlyFor, undefined, ["PUT", fault])],
  ["afterProcessing", (fault) => Reflect.apply(afterProcessing, undefined, [fault])],
])("%s of a fault that was not called is answered as a 500 that says so", async (_, make) => {
  const scene = await SendingScene.start();
  Reflect.apply(scene.homeserver.intercept.bind(scene.homeserver), undefined, [/\/send\//, make(serverError)]);
  const { status, body } = await scene.sent();
  expect(status).toBe(500);
  expect(body.toString()).toContain("call what makes a fault: serverError()");
});

test("mixed applies all faults alike, in an order that the seed gives", async () => {
  const all = [serverError(), gatewayError(), answerWith(418)];
  const found = await statuses(mixed(3, all), 60);
  expect(await statuses(mixed(3, all), 60)).toEqual(found);
  for (const status of [500, 502, 418]) {
    expect(found.filter((one) => one === status).length).toBeGreaterThan(10);
  }
});

test("onlyFor leaves other methods alone", async () => {
  const scene = await SendingScene.start();
  scene.homeserver.intercept(/./, onlyFor("PUT", serverError()));
  expect((await scene.sent()).status).toBe(500);
  expect((await scene.user.get("/account/whoami")).status).toBe(200);
});
