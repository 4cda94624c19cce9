import { createClient } from "@redis/client";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { RedisServer, canStartRedis } from "../testing/redis-server.js";
import { redisStorage } from "./redis-storage.js";

const slots = 16_384;

/** It takes some seconds, as nodes of a cluster do to agree. */
const isWanted = canStartRedis && process.env["MX_REQUIRE_REDIS"] === "1";

if (!isWanted) {
  process.stderr.write("\nSKIPPED: the test of a Redis cluster; set MX_REQUIRE_REDIS=1 to run it\n\n");
}

describe.runIf(isWanted)("redisStorage in a cluster", () => {
  let servers: RedisServer[];

  beforeAll(async () => {
    const settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
    servers = await Promise.all([1, 2, 3].map(() => RedisServer.start(settings)));
    const size = Math.ceil(slots / servers.length);
    await Promise.all(
      servers.map(async (server, index) => {
        const last = Math.min((index + 1) * size, slots) - 1;
        await ask(server, ["CLUSTER", "ADDSLOTSRANGE", String(index * size), String(last)]);
      }),
    );
    const [first, ...others] = servers;
    for (const other of others) await ask(other, ["CLUSTER", "MEET", "127.0.0.1", String(first?.port)]);
    await vi.waitFor(
      async () => {
        for (const server of servers) {
          expect(String(await ask(server, ["CLUSTER", "INFO"]))).toMatch(/cluster_state:ok[^]*cluster_known_nodes:3/);
        }
      },
      { timeout: 15_000 },
    );
  }, 20_000);

  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  async function ask(server: RedisServer, command: string[]): Promise<unknown> {
    const client = await createClient({ url: server.url }).connect();
    try {
      return await client.sendCommand<unknown>(command);
    } finally {
      client.destroy();
    }
  }

  function urlsFrom(index: number): string[] {
    return [...servers.slice(index), ...servers.slice(0, index)].map(({ url }) => url);
  }

  test.each(["a", "b", "c", "d", "e", "f"])("finds the node of a name, whichever it asks first: %s", async (name) => {
    for (let index = 0; index < 3; index++) {
      await using storage = await redisStorage(urlsFrom(index), { name });
      await storage.namespace("n").set("key", [name, index]);
      await using other = await redisStorage(servers[index]?.url ?? "", { name });
      expect(await other.namespace("n").get("key")).toEqual([name, index]);
    }
  });

  test("finds a node when another one is away", async () => {
    await using storage = await redisStorage(["redis://127.0.0.1:1", ...urlsFrom(0)], { name: "away" });
    await storage.set("a", 1);
  });

  test("sees what another storage has changed", async () => {
    await using one = await redisStorage(urlsFrom(0), { name: "shared" });
    await using other = await redisStorage(urlsFrom(1), { name: "shared" });
    await one.set("a", 1);
    await other.set("a", 2);
    await vi.waitFor(async () => expect(await one.get("a")).toBe(2));
  });

  test("goes along when its slot moves to another node, and loses nothing", async () => {
    const name = "moved";
    await using storage = await redisStorage(urlsFrom(0), { name });
    await storage.set("a", 1);
    const slot = String(await ask(at(0), ["CLUSTER", "KEYSLOT", `{${name}}:values`]));
    const holds = await Promise.all(servers.map(async (server) => ask(server, ["CLUSTER", "COUNTKEYSINSLOT", slot])));
    const from = at(holds.findIndex((count) => count === 3));
    const to = servers.find((server) => server !== from) ?? from;
    const [fromId, toId] = [String(await ask(from, ["CLUSTER", "MYID"])), String(await ask(to, ["CLUSTER", "MYID"]))];
    await ask(to, ["CLUSTER", "SETSLOT", slot, "IMPORTING", fromId]);
    await ask(from, ["CLUSTER", "SETSLOT", slot, "MIGRATING", toId]);
    const move = { isDone: false };
    const writing = (async () => {
      let count = 1;
      do await storage.set("a", ++count);
      while (!move.isDone);
      return count;
    })();
    const keys = ["values", "keys", "format"].map((key) => `{${name}}:${key}`);
    await ask(from, ["MIGRATE", "127.0.0.1", String(to.port), "", "0", "5000", "KEYS", ...keys]);
    for (const server of [to, from]) await ask(server, ["CLUSTER", "SETSLOT", slot, "NODE", toId]);
    move.isDone = true;
    const count = await writing;
    expect(await storage.get("a")).toBe(count);
    await storage.set("b", 1);
    expect(await ask(to, ["CLUSTER", "COUNTKEYSINSLOT", slot])).toBe(3);
    await using again = await redisStorage(urlsFrom(0), { name });
    expect(await again.getMany(["a", "b"])).toEqual([count, 1]);
  });

  test("refuses several servers that are no cluster", async () => {
    const server = await RedisServer.start();
    onTestFinished(() => server.stop());
    await expect(redisStorage([server.url, server.url])).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringContaining("give the URL of one server"),
    });
  });

  function at(index: number): RedisServer {
    const server = servers[index];
    if (server === undefined) throw new Error(`there is no server ${index}`);
    return server;
  }
});
