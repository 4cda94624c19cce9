import { createServer } from "node:net";
import { once } from "node:events";
import * as redis from "@redis/client";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { ContractFixture } from "../contract.js";
import type { Commit } from "../engine.js";
import { addressesOf } from "./redis-address.js";
import { RedisEngine } from "./redis-engine.js";
import { redisStorage } from "./redis-storage.js";
import { describeContract } from "../testing/describe-contract.js";
import { RedisServer, canStartRedis, canUseRedis } from "../testing/redis-server.js";

const { createClient } = redis;

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

  test("keeps one hash, one sorted set and its format, in one slot of a cluster", async () => {
    const name = `mx test ${process.pid} ${stores++}`;
    await using storage = await redisStorage(url, { name });
    await storage.namespace("n").set("a", 1);
    const client = await createClient({ url }).connect();
    onTestFinished(() => client.destroy());
    const keys = await client.keys(`{${name}}*`);
    expect(keys.toSorted()).toEqual([`{${name}}:format`, `{${name}}:keys`, `{${name}}:values`]);
    expect(await client.hGetAll(`{${name}}:values`)).toEqual({ "": "1", "n/=a": "1" });
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

  test("commits and reads more at once than fits on the stack of a script", async () => {
    const store = await makeStore();
    await using storage = await store.open();
    const keys = Array.from({ length: 20_000 }, (_, index) => `key ${index}`);
    await storage.transaction((transaction) => {
      for (let index = 0; index < keys.length; index++) transaction.set(`key ${index}`, index);
    });
    await storage.transaction(async (transaction) => {
      expect((await transaction.getMany(keys)).at(-1)).toBe(19_999);
      transaction.clear();
    });
    expect(await storage.has("key 19999")).toBe(false);
  });

  test.each([":values", ":keys"])("rejects when Redis has dropped %s by itself", async (dropped) => {
    const name = `mx test ${process.pid} ${stores++}`;
    await using storage = await redisStorage(url, { name });
    await storage.set("a", 1);
    const client = await createClient({ url }).connect();
    onTestFinished(() => client.destroy());
    await client.del(`{${name}}${dropped}`);
    const failed = { code: "damaged", message: expect.stringContaining('set "maxmemory-policy noeviction"') };
    if (dropped === ":values") await expect(storage.get("missing")).rejects.toMatchObject(failed);
    await expect(storage.entries()[Symbol.asyncIterator]().next()).rejects.toMatchObject(failed);
    await expect(storage.set("b", 1)).rejects.toMatchObject(failed);
    await expect(redisStorage(url, { name })).rejects.toMatchObject(failed);
  });

  test("says that it loses nothing, and warns of nothing, when that is so", async () => {
    const warnings: Error[] = [];
    const name = `mx test ${process.pid} ${stores++}`;
    await using storage = await redisStorage(url, { name, onWarning: (warning) => warnings.push(warning) });
    expect(storage.guarantees).toEqual({ durability: "power-loss", sharing: "machines" });
    expect(warnings).toEqual([]);
  });

  test("takes the settings of a client, and leaves the client alone", async () => {
    const name = `mx test ${process.pid} ${stores++}`;
    const client = createClient({ url, RESP: 2, commandOptions: { typeMapping: {} } });
    await using storage = await redisStorage(client, { name });
    await storage.set("a", 1);
    expect(await storage.get("a")).toBe(1);
    expect(client.isOpen).toBe(false);
  });

  test("tells the time of the server", async () => {
    const name = `mx test ${process.pid} ${stores++}`;
    const engine = new RedisEngine(redis, { servers: addressesOf(url), name, timeoutMs: 5000 });
    onTestFinished(() => engine.close());
    await engine.open();
    const client = await createClient({ url }).connect();
    onTestFinished(() => client.destroy());
    const timeMs = async (): Promise<number> => {
      const [seconds, microseconds] = await client.time();
      return Number(seconds) * 1000 + Number(microseconds) / 1000;
    };
    const before = await timeMs();
    const now = await engine.now();
    expect(now).toBeGreaterThan(before - 1);
    expect(now).toBeLessThanOrEqual(await timeMs());
  });

  test("tells what others have changed before it answers anything that comes after", async () => {
    const name = `mx test ${process.pid} ${stores++}`;
    const open = async (): Promise<RedisEngine> => {
      const engine = new RedisEngine(redis, { servers: addressesOf(url), name, timeoutMs: 5000 });
      onTestFinished(() => engine.close());
      await engine.open();
      return engine;
    };
    const [engine, other] = [await open(), await open()];
    const commit = (changes: Partial<Commit>): Promise<boolean[]> =>
      other.commit([{ expected: new Map(), cleared: [], written: new Map(), ...changes }]);
    expect([engine.takeChanges(), engine.takeChanges()]).toEqual(["all", []]);
    await commit({
      written: new Map([
        ["=a", "1"],
        ["=😀 \n", undefined],
      ]),
    });
    await engine.now();
    expect([engine.takeChanges(), engine.takeChanges()]).toEqual([["=a", "=😀 \n"], []]);
    await commit({ expected: new Map([["=a", "2"]]), written: new Map([["=a", "3"]]) });
    await commit({ expected: new Map([["=a", "1"]]) });
    await engine.now();
    expect(engine.takeChanges()).toEqual([]);
    await commit({ cleared: ["n/"] });
    await engine.now();
    expect(engine.takeChanges()).toBe("all");
    await commit({ written: new Map(Array.from({ length: 101 }, (_, index) => [`=${index}`, "1"])) });
    await engine.now();
    expect(engine.takeChanges()).toBe("all");
    await engine.commit([{ expected: new Map(), cleared: [], written: new Map([["=a", "4"]]) }]);
    await engine.now();
    expect(engine.takeChanges()).toEqual([]);
  });

  test("makes a group of commits in their order, each as a whole", async () => {
    const name = `mx test ${process.pid} ${stores++}`;
    const engine = new RedisEngine(redis, { servers: addressesOf(url), name, timeoutMs: 5000 });
    onTestFinished(() => engine.close());
    await engine.open();
    const nothing = { expected: new Map(), cleared: [], written: new Map() };
    const areMade = await engine.commit([
      {
        ...nothing,
        written: new Map([
          ["=a", "1"],
          ["n/=a", "1"],
        ]),
      },
      {
        ...nothing,
        written: new Map([
          ["=a", "2"],
          ["=b", "2"],
        ]),
      },
      { ...nothing, expected: new Map([["=a", "1"]]), written: new Map([["=c", "3"]]) },
      {
        ...nothing,
        expected: new Map([
          ["=a", "2"],
          ["=c", undefined],
        ]),
        written: new Map([
          ["=c", "4"],
          ["=b", undefined],
        ]),
      },
      { ...nothing, cleared: ["n/"], written: new Map([["n/=b", "5"]]) },
      { ...nothing, expected: new Map([["n/=a", "1"]]) },
      { ...nothing, expected: new Map([["n/=a", undefined]]) },
    ]);
    expect(areMade).toEqual([true, true, false, true, true, false, true]);
    expect(await engine.scan("", "", 10)).toEqual([
      ["=a", "2"],
      ["=c", "4"],
      ["n/=b", "5"],
    ]);
  });

  test("refuses what a later version has written", async () => {
    const name = `mx test ${process.pid} ${stores++}`;
    const client = await createClient({ url }).connect();
    onTestFinished(() => client.destroy());
    await client.set(`{${name}}:format`, "2", { EX: 60 });
    await expect(redisStorage(url, { name })).rejects.toMatchObject({
      name: "StorageError",
      code: "newer-format",
      message: expect.stringMatching(/is "2".* update @mx\/storage/),
    });
  });
});

describe.runIf(canStartRedis)("redisStorage on a server that loses what it has acknowledged", () => {
  const logged = ["--appendonly", "yes", "--appendfsync"];
  test.each([
    [
      "always, but not meanwhile",
      [...logged, "always", "--no-appendfsync-on-rewrite", "yes"],
      "process",
      /last ack/,
      undefined,
    ],
    ["every second", [...logged, "everysec"], "process", /the last acknowledged writes/, undefined],
    [
      "never",
      ["--appendonly", "no"],
      "process",
      /since its last snapshot.*durability/,
      /snapshot.*set "appendonly yes"/,
    ],
    ["not known", ["--rename-command", "CONFIG", ""], "unknown", /does not say/, undefined],
    [
      "never, as far as known",
      ["--rename-command", "CONFIG", "", "--appendonly", "no"],
      "process",
      /snapshot/,
      /snapshot/,
    ],
  ] as const)(
    "warns once, and says so, when it syncs: %s",
    async (_when, settings, durability, warned, warnedOfLess) => {
      const server = await RedisServer.start(settings);
      onTestFinished(() => server.stop());
      const warnings: Error[] = [];
      const onWarning = (warning: Error): void => void warnings.push(warning);
      await using storage = await redisStorage(server.url, { onWarning });
      await storage.set("a", 1);
      expect(storage.guarantees.durability).toBe(durability);
      expect(warnings).toEqual([
        expect.objectContaining({ name: "StorageWarning", message: expect.stringMatching(warned) }),
      ]);
      await using _less = await redisStorage(server.url, { onWarning, durability: "process" });
      expect(warnings.slice(1).map(({ message }) => message)).toEqual(
        warnedOfLess === undefined ? [] : [expect.stringMatching(warnedOfLess)],
      );
    },
  );

  test("shows the warning when nobody takes it", async () => {
    const server = await RedisServer.start(["--appendonly", "no"]);
    onTestFinished(() => server.stop());
    const shown = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    onTestFinished(() => shown.mockRestore());
    await using _storage = await redisStorage(server.url);
    expect(shown.mock.calls).toEqual([[expect.objectContaining({ name: "StorageWarning" })]]);
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

  test.each([[[]], [7], [null], [{}]])("refuses %j for a Redis", async (given) => {
    // @ts-expect-error: what a caller without types may do
    await expect(redisStorage(given)).rejects.toMatchObject({ name: "TypeError" });
  });

  test("refuses a durability that there is not", async () => {
    // @ts-expect-error: what a caller without types may do
    await expect(redisStorage("redis://127.0.0.1:1", { durability: "all" })).rejects.toMatchObject({
      name: "TypeError",
    });
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
    const storage = await redisStorage(server.url, { timeoutMs: 500 });
    await storage.set("a", 1);
    await server.kill();
    const failed = { name: "StorageError", message: expect.stringContaining(server.url) };
    await Promise.all([
      expect(storage.get("b")).rejects.toMatchObject(failed),
      expect(storage.set("a", 2)).rejects.toMatchObject(failed),
      expect(storage.transaction((transaction) => transaction.get("b"))).rejects.toMatchObject(failed),
    ]);
    await server.startAgain();
    await vi.waitFor(() => storage.set("b", 2), { timeout: 5000 });
    expect(await storage.get("b")).toBe(2);
    // What was rejected was not kept for later.
    expect(await storage.get("a")).toBe(1);
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
    await using storage = await redisStorage(server.url, { timeoutMs: 300 });
    server.pause();
    await expect(storage.set("a", 1)).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringMatching(/no answer within 300 ms; it may have been written all the same/),
    });
    server.goOn();
    expect(await storage.get("a")).toBe(1);
  });
});
