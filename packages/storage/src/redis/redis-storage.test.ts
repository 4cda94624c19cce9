import { createServer } from "node:net";
import { once } from "node:events";
import { createClient } from "@redis/client";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { ContractFixture } from "../contract.js";
import { redisStorage } from "./redis-storage.js";
import { checkModel } from "../testing/check-model.js";
import { describeContract } from "../testing/describe-contract.js";
import { RedisServer, canStartRedis, canUseRedis } from "../testing/redis-server.js";

describe.runIf(canUseRedis)("redisStorage", () => {
  let server: RedisServer | undefined;
  let url = process.env["REDIS_URL"] ?? "";
  let stores = 0;

  beforeAll(async () => {
    if (url !== "") return;
    server = await RedisServer.start();
    ({ url } = server);
  });

  afterAll(() => server?.stop());

  async function makeStore(): Promise<ContractFixture> {
    const name = `mx test ${process.pid} ${stores++}`;
    const storage = await redisStorage(url, { name });
    await storage.clear();
    await storage.close();
    return { open: () => redisStorage(url, { name }), isDurable: true, isShared: true };
  }

  describeContract(makeStore);

  test("does what a plain object does", () => checkModel(makeStore, 50));

  test("keeps one hash, one sorted set and its format, in one slot of a cluster", async () => {
    const name = `mx test ${process.pid} ${stores++}`;
    await using storage = await redisStorage(url, { name });
    await storage.namespace("n").set("a", 1);
    const client = await createClient({ url }).connect();
    onTestFinished(() => client.destroy());
    const keys = await client.keys(`{${name}}*`);
    expect(keys.toSorted()).toEqual([`{${name}}:format`, `{${name}}:keys`, `{${name}}:values`]);
    expect(await client.hGetAll(`{${name}}:values`)).toEqual({ "n/=a": "1" });
    expect(await client.zRange(`{${name}}:keys`, 0, -1)).toEqual(["n/=a"]);
  });

  test("keeps storages of different names apart", async () => {
    await using one = await redisStorage(url, { name: `mx test ${process.pid} one` });
    await using other = await redisStorage(url, { name: `mx test ${process.pid} other` });
    await one.set("a", 1);
    await other.set("a", 2);
    await one.clear();
    expect(await other.get("a")).toBe(2);
  });

  test("commits and reads more at once than fits on a stack, here or in a script", async () => {
    const store = await makeStore();
    await using storage = await store.open();
    const keys = Array.from({ length: 70_000 }, (_, index) => `key ${index}`);
    await storage.transaction((transaction) => {
      for (let index = 0; index < keys.length; index++) transaction.set(`key ${index}`, index);
    });
    await storage.transaction(async (transaction) => {
      expect((await transaction.getMany(keys)).at(-1)).toBe(69_999);
      transaction.clear();
    });
    expect(await storage.has("key 69999")).toBe(false);
  });

  test.each([":values", ":keys"])("rejects when Redis has dropped %s by itself", async (dropped) => {
    const name = `mx test ${process.pid} ${stores++}`;
    await using storage = await redisStorage(url, { name });
    await storage.set("a", 1);
    const client = await createClient({ url }).connect();
    onTestFinished(() => client.destroy());
    await client.del(`{${name}}${dropped}`);
    const failed = { name: "StorageError", message: expect.stringContaining('set "maxmemory-policy noeviction"') };
    await expect(storage.entries()[Symbol.asyncIterator]().next()).rejects.toMatchObject(failed);
    await expect(storage.set("b", 1)).rejects.toMatchObject(failed);
    await expect(redisStorage(url, { name })).rejects.toMatchObject(failed);
  });

  test("refuses what a later version has written", async () => {
    const name = `mx test ${process.pid} ${stores++}`;
    const client = await createClient({ url }).connect();
    onTestFinished(() => client.destroy());
    await client.set(`{${name}}:format`, "2", { EX: 60 });
    await expect(redisStorage(url, { name })).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringMatching(/its format is "2".* update @mx\/storage/),
    });
  });
});

describe("redisStorage without a server", () => {
  test("says at once that nobody listens there, without the password", async () => {
    await expect(redisStorage("redis://alice:secret@127.0.0.1:1")).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringMatching(
        /^Cannot open the Redis at "redis:\/\/alice@127\.0\.0\.1:1": connect ECONNREFUSED/,
      ),
    });
  });

  test("gives up a server that never answers", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    onTestFinished(() => void silent.close());
    const address = silent.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await expect(redisStorage(`redis://127.0.0.1:${port}`, { timeoutMs: 100 })).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringContaining("there was no answer within 100 ms"),
    });
  });

  test.each([
    ["redis://alice:secret@127.0.0.1:1/abc", "redis://alice@127.0.0.1:1/abc"],
    ["redis://alice:se%zzcret@127.0.0.1:1", "redis://alice@127.0.0.1:1"],
  ])("says without the password that the client does not take %s", async (url, shown) => {
    const error: unknown = await redisStorage(url).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: "StorageError",
      message: expect.stringContaining(`Cannot open the Redis at "${shown}": `),
    });
    expect(String(error)).not.toContain("cret");
  });

  test.each([0, -1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY, "5"])("refuses to wait %s ms", async (timeoutMs) => {
    // @ts-expect-error: what a caller without types may do
    await expect(redisStorage("redis://127.0.0.1:1", { timeoutMs })).rejects.toMatchObject({
      name: "TypeError",
      message: expect.stringContaining("timeoutMs"),
    });
  });

  test.each(["", "}", "}a", 7])("refuses %j for a name", async (name) => {
    // @ts-expect-error: what a caller without types may do
    await expect(redisStorage("redis://127.0.0.1:1", { name })).rejects.toMatchObject({
      name: "TypeError",
      message: expect.stringContaining(JSON.stringify(name)),
    });
  });

  test.each(["alice:secret@example.org", "https://alice:secret@example.org", "secret"])(
    "does not repeat a URL that is none of a Redis: %s",
    async (url) => {
      await expect(redisStorage(url)).rejects.toMatchObject({
        name: "TypeError",
        message: 'Cannot open the Redis: its URL is not one of a Redis; it looks like "redis://host:6379"',
      });
    },
  );
});

describe.runIf(canStartRedis)("redisStorage on a server that goes away", () => {
  async function startServer(): Promise<RedisServer> {
    const server = await RedisServer.start();
    onTestFinished(() => server.stop());
    return server;
  }

  test("rejects in time, works again when it is back, and closes without it", async () => {
    const server = await startServer();
    const storage = await redisStorage(server.url, { timeoutMs: 200 });
    await storage.set("a", 1);
    await server.kill();
    const failed = { name: "StorageError", message: expect.stringContaining(server.url) };
    await expect(storage.get("a")).rejects.toMatchObject(failed);
    await expect(storage.set("a", 2)).rejects.toMatchObject(failed);
    await expect(storage.transaction((transaction) => transaction.get("a"))).rejects.toMatchObject(failed);
    await server.startAgain();
    await vi.waitFor(() => storage.set("b", 2), { timeout: 5000 });
    expect(await storage.get("b")).toBe(2);
    // What was rejected was not kept for later.
    expect(await storage.get("a")).toBeUndefined();
    await server.kill();
    await storage.close();
  });

  test("waits for a server that is back soon", async () => {
    const server = await startServer();
    await using storage = await redisStorage(server.url);
    server.pause();
    const lost = expect(storage.get("a")).rejects.toMatchObject({ name: "StorageError" });
    await server.kill();
    await lost;
    const write = storage.set("a", 1);
    await server.startAgain();
    await write;
    expect(await storage.get("a")).toBe(1);
  });

  test("rejects in time when it does not answer any more", async () => {
    const server = await startServer();
    await using storage = await redisStorage(server.url, { timeoutMs: 100 });
    server.pause();
    await expect(storage.set("a", 1)).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringMatching(/no answer within 200 ms; it may have been written all the same/),
    });
    server.goOn();
    expect(await storage.get("a")).toBe(1);
  });
});
