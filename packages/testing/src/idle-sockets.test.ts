import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { FakeHomeserver, faults } from "./index.js";
import { untilTimers } from "./testing/sending-scene.js";
import { SimulatedEnv } from "./testing/simulated-env.js";

const VERSIONS = "GET /_matrix/client/versions HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/** A homeserver on a simulated clock, and a connection that has had its first answer. */
async function start(delayMs: number | (() => number)): Promise<[SimulatedEnv, FakeHomeserver, Socket, () => void]> {
  const env = new SimulatedEnv();
  const homeserver = await FakeHomeserver.start({ env });
  onTestFinished(() => homeserver.close());
  const stop = homeserver.dropIdleSocketsAfter(delayMs);
  const socket = connect(Number(new URL(homeserver.url).port), "127.0.0.1");
  // A reset is an error.
  socket.on("error", () => {});
  socket.write(VERSIONS);
  await once(socket, "data");
  return [env, homeserver, socket, stop];
}

test("a connection without a request is closed when the time is over", async () => {
  const [env, , socket] = await start(5);
  await untilTimers(env, 1);
  env.advance(4);
  socket.write(VERSIONS);
  await once(socket, "data");
  await untilTimers(env, 1);
  env.advance(4);
  expect(socket.readyState).toBe("open");
  env.advance(1);
  await once(socket, "end");
});

test("a connection is closed at once after 0 ms", async () => {
  const [env, , socket] = await start(() => 0);
  if (!socket.readableEnded) await once(socket, "end");
  expect(env.pendingTimers).toBe(0);
});

test.each(["before", "after"])("a request that is sent just %s the drop is never read", async (order) => {
  const [env, homeserver, socket] = await start(1);
  await untilTimers(env, 1);
  if (order === "after") env.advance(1);
  socket.write(VERSIONS);
  if (order === "before") env.advance(1);
  let bytes = 0;
  socket.on("data", (chunk) => {
    bytes += chunk.length;
  });
  await new Promise((resolve) => socket.once("close", resolve));
  expect(bytes).toBe(0);
  expect(homeserver.requests.length).toBe(1);
});

test("a connection with a request is never dropped", async () => {
  const [env, homeserver, socket] = await start(1);
  await untilTimers(env, 1);
  homeserver.intercept(/./, faults.fallSilentBeforeProcessing());
  socket.write(VERSIONS);
  await untilTimers(env, 0);
  env.advance(1000);
  expect(homeserver.requests.length).toBe(2);
  expect(socket.readyState).toBe("open");
});

test("a connection with a second request that came together with the first is not dropped between them", async () => {
  const [env, homeserver, socket] = await start(1);
  await untilTimers(env, 1);
  let answerSecond = (): void => {};
  const isAnswered = new Promise<void>((resolve) => {
    answerSecond = resolve;
  });
  homeserver.intercept(/second/, async (_request, response) => {
    await isAnswered;
    response.end("second");
  });
  socket.write(VERSIONS + VERSIONS.replace("versions", "second"));
  await once(socket, "data");
  env.advance(1);
  answerSecond();
  expect(String(await once(socket, "data"))).toMatch(/second$/);
});

test("the drops can be ended", async () => {
  const [env, , socket, stop] = await start(1);
  await untilTimers(env, 1);
  stop();
  socket.write(VERSIONS);
  await once(socket, "data");
  socket.write(VERSIONS);
  await once(socket, "data");
  expect(env.pendingTimers).toBe(0);
});

test("no timer is left when the homeserver closes, or the client does", async () => {
  const [env, homeserver, socket] = await start(1);
  await untilTimers(env, 1);
  await homeserver.close();
  expect(env.pendingTimers).toBe(0);
  socket.destroy();
  const [another, , gone] = await start(1);
  await untilTimers(another, 1);
  gone.destroy();
  await untilTimers(another, 0);
});

test("a client that keeps its connections loses requests, and the homeserver has seen none of them", async () => {
  const homeserver = await FakeHomeserver.start();
  onTestFinished(() => homeserver.close());
  homeserver.dropIdleSocketsAfter(0);
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const isAnswered = async (): Promise<boolean> => {
    const sent = request(`${homeserver.url}/_matrix/client/v3/nothing`, { method: "PUT", agent }).end("{}");
    try {
      const [response] = await once(sent, "response");
      for await (const chunk of response) void chunk;
      return true;
    } catch {
      return false;
    }
  };
  let answered = 0;
  for (let i = 0; i < 100; i++) if (await isAnswered()) answered++;
  expect(answered).toBeLessThan(90);
  expect(homeserver.requests.length).toBe(answered);
});
