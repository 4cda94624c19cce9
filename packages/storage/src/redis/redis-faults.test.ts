import { once } from "node:events";
import { createServer } from "node:net";
import { createClient } from "@redis/client";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Fate, RedisProxy } from "../testing/redis-proxy.js";
import { RedisServer, canStartRedis } from "../testing/redis-server.js";
import type { Storage } from "../storage.js";
import { redisStorage } from "./redis-storage.js";

/** MX_KILLS says how often: CI has more time than `npm test`. */
const kills = Number(process.env["MX_KILLS"] ?? 2);

const doubt = "it may have been written all the same";

function failedWith(text: string): object {
  return { name: "StorageError", code: "failed", message: expect.stringContaining(text) };
}

async function errorOf(work: Promise<unknown>): Promise<Error> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Error) return error;
  throw new Error("it has not failed");
}

describe.runIf(canStartRedis)("redisStorage on a connection that breaks", () => {
  let server: RedisServer;
  let names = 0;

  beforeAll(async () => (server = await RedisServer.start()));
  afterAll(() => server.stop());

  async function openThrough(proxy: RedisProxy, name: string, timeoutMs = 5000): Promise<Storage> {
    const storage = await redisStorage(proxy.url, { name, timeoutMs });
    onTestFinished(() => storage.close());
    return storage;
  }

  async function contentOf(name: string): Promise<Record<string, unknown>> {
    await using storage = await redisStorage(server.url, { name });
    const content: Record<string, unknown> = {};
    for await (const [key, value] of storage.entries()) content[key] = value;
    return content;
  }

  test.each([
    ["before the server has it", "is cut before", {}],
    ["after the server has made it", "is cut after", { a: 1, b: 1 }],
  ] as const)("says that it does not know when it breaks %s, and goes on by itself", async (_when, fate, written) => {
    const proxy = await RedisProxy.start(server.port);
    const name = `break ${names++}`;
    const storage = await openThrough(proxy, name);
    let cuts = 0;
    proxy.fateOf = (piece) => (piece.includes("EVALSHA") && cuts++ === 0 ? fate : "passes");
    const commit = storage.transaction((transaction) => {
      transaction.set("a", 1);
      transaction.set("b", 1);
    });
    await expect(commit).rejects.toMatchObject(failedWith(doubt));
    expect(await contentOf(name)).toEqual(written);
    await storage.set("c", 2);
    expect(await contentOf(name)).toEqual({ ...written, c: 2 });
    expect(await storage.get("c")).toBe(2);
  });

  test("does not say that what was never sent may be written", async () => {
    const proxy = await RedisProxy.start(server.port);
    const storage = await openThrough(proxy, `break ${names++}`, 300);
    proxy.fateOf = () => "is cut before";
    proxy.cut();
    await vi.waitFor(async () => {
      const error = await errorOf(storage.set("a", 1));
      expect(error.message).toMatch(/Cannot write to the Redis/);
      expect(error.message).not.toContain(doubt);
    });
  });

  test("never has a write that was given up come after a later one", async () => {
    const proxy = await RedisProxy.start(server.port);
    const name = `break ${names++}`;
    const storage = await openThrough(proxy, name);
    let held = 0;
    proxy.fateOf = (piece) => (piece.includes("EVALSHA") && held++ === 0 ? "is held" : "passes");
    await expect(storage.set("a", "first")).rejects.toMatchObject(failedWith(doubt));
    await storage.set("a", "second");
    await proxy.release();
    expect(await contentOf(name)).toEqual({ a: "second" });
  });

  test("holds what it has acknowledged, and no half of a transaction, whichever command fails", async () => {
    const fates = ["is cut before", "is cut after"] as const;
    // Resolves with whether there was such a command.
    const fail = async (fate: Fate, failing: number, isForever: boolean): Promise<boolean> => {
      const name = `nth ${names++}`;
      const proxy = await RedisProxy.start(server.port);
      let pieces = 0;
      proxy.fateOf = () => (++pieces === failing || (isForever && pieces > failing) ? fate : "passes");
      const acknowledged = await takeSteps(proxy.url, name, isForever);
      const content = await contentOf(name);
      expect(content, `${fate}, ${isForever ? "from" : "at"} command ${failing}`).toMatchObject(acknowledged);
      expect(content["left"]).toBe(content["right"]);
      return pieces >= failing;
    };
    const counts = await Promise.all(
      fates.map(async (fate) => {
        let failing = 1;
        while (await fail(fate, failing, false)) failing++;
        return failing;
      }),
    );
    expect(Math.min(...counts)).toBeGreaterThan(8);
    await Promise.all(
      fates.map(async (fate) => {
        for (let failing = 1; failing < Math.min(...counts); failing++) await fail(fate, failing, true);
      }),
    );
  });

  /** Resolves with what was acknowledged. */
  async function takeSteps(url: string, name: string, isForever: boolean): Promise<Record<string, unknown>> {
    const acknowledged: Record<string, unknown> = {};
    let storage: Storage | undefined;
    const steps: (() => Promise<void>)[] = [
      async () => void (storage = await redisStorage(url, { name })),
      async () => {
        await storage?.set("a", 1);
        acknowledged["a"] = 1;
      },
      async () => {
        await storage?.transaction(async (transaction) => {
          const number = Number(await transaction.get("left", 0)) + 1;
          transaction.set("left", number);
          transaction.set("right", number);
        });
        Object.assign(acknowledged, { left: 1, right: 1 });
      },
      async () => {
        expect(await storage?.get("missing")).toBeUndefined();
      },
      async () => {
        await Promise.all([storage?.set("b", 2), storage?.set("c", 3)]);
        Object.assign(acknowledged, { b: 2, c: 3 });
      },
    ];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        expect(error).toMatchObject({ name: "StorageError", code: "failed" });
        if (storage === undefined || isForever) break;
      }
    }
    await storage?.close();
    return acknowledged;
  }

  test("notices what was changed while it was not connected", async () => {
    const proxy = await RedisProxy.start(server.port);
    const name = `break ${names++}`;
    const storage = await openThrough(proxy, name);
    await storage.set("a", 1);
    await vi.waitFor(async () => expect(await storage.get("a")).toBe(1));
    proxy.cut();
    await using other = await redisStorage(server.url, { name });
    await other.set("a", 2);
    await vi.waitFor(async () => expect(await storage.get("a").catch(() => 0)).toBe(2));
  });

  test("sends the script again when the server has forgotten it", async () => {
    const name = `break ${names++}`;
    await using storage = await redisStorage(server.url, { name });
    const client = await createClient({ url: server.url }).connect();
    onTestFinished(() => client.destroy());
    await client.scriptFlush();
    await storage.set("a", 1);
    await client.scriptFlush();
    expect(await contentOf(name)).toEqual({ a: 1 });
  });
});

describe.runIf(canStartRedis)("redisStorage on a server that refuses", () => {
  async function start(settings: string[]): Promise<RedisServer> {
    const server = await RedisServer.start(settings);
    onTestFinished(() => server.stop());
    return server;
  }

  test("says that the password is wrong, without it", async () => {
    const server = await start(["--requirepass", "right"]);
    const url = server.url.replace("redis://", "redis://:wr0ng@");
    const error = await errorOf(redisStorage(url));
    expect(error).toMatchObject(failedWith("WRONGPASS"));
    expect(error.message).not.toContain("wr0ng");
    await expect(redisStorage(server.url)).rejects.toMatchObject(failedWith("NOAUTH"));
    await using storage = await redisStorage(server.url.replace("redis://", "redis://:right@"));
    await storage.set("a", 1);
  });

  test("changes nothing when the server has no memory left", async () => {
    const server = await start([]);
    await using storage = await redisStorage(server.url);
    await storage.set("a", 1);
    const client = await createClient({ url: server.url }).connect();
    onTestFinished(() => client.destroy());
    await client.configSet("maxmemory", "1");
    const error = await errorOf(
      storage.transaction((transaction) => {
        transaction.set("a", 2);
        transaction.set("b", 2);
      }),
    );
    expect(error).toMatchObject(failedWith("OOM"));
    expect(error.message).not.toContain(doubt);
    expect(await storage.getMany(["a", "b"])).toEqual([1, undefined]);
    // Removing makes room.
    expect(await storage.delete("a")).toBe(true);
    await client.configSet("maxmemory", "0");
    await storage.set("b", 3);
  });

  test("changes nothing on a read-only replica", async () => {
    const server = await start(["--repl-diskless-sync-delay", "0"]);
    await using storage = await redisStorage(server.url);
    await storage.set("a", 1);
    const replica = await start(["--replicaof", "127.0.0.1", String(server.port)]);
    const client = await createClient({ url: replica.url }).connect();
    onTestFinished(() => client.destroy());
    await vi.waitFor(async () => expect(await client.exists("{mx}:format")).toBe(1), { timeout: 5000 });
    await using copy = await redisStorage(replica.url);
    expect(await copy.get("a")).toBe(1);
    const error = await errorOf(copy.set("a", 2));
    expect(error).toMatchObject(failedWith("READONLY"));
    expect(error.message).not.toContain(doubt);
    expect(await storage.get("a")).toBe(1);
  });

  test("says what a user needs to be allowed", async () => {
    const server = await start(["--user", "bob", "on", ">secret", "~*", "+@all", "resetchannels"]);
    const url = server.url.replace("redis://", "redis://bob:secret@");
    await expect(redisStorage(url)).rejects.toMatchObject(failedWith("allow the user the keys and the channel"));
  });

  test("leaves alone the keys of another program", async () => {
    const server = await start([]);
    const client = await createClient({ url: server.url }).connect();
    onTestFinished(() => client.destroy());
    await client.set("{mx}:values", "theirs");
    await expect(redisStorage(server.url)).rejects.toMatchObject({ name: "StorageError", code: "damaged" });
    expect(await client.get("{mx}:values")).toBe("theirs");
  });

  test("refuses a port where something else answers", async () => {
    const web = createServer((socket) => {
      socket.on("error", () => {});
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    }).listen(0, "127.0.0.1");
    await once(web, "listening");
    onTestFinished(() => void web.close());
    const address = web.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await expect(redisStorage(`redis://127.0.0.1:${port}`)).rejects.toMatchObject(failedWith("Cannot open the Redis"));
  });

  test("does not repeat the password that an old server repeats", async () => {
    const old = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", () => {
        socket.write("-ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `bob`, `s3cret`, \r\n");
      });
    }).listen(0, "127.0.0.1");
    await once(old, "listening");
    onTestFinished(() => void old.close());
    const address = old.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const error = await errorOf(redisStorage(`redis://bob:s3cret@127.0.0.1:${port}`));
    expect(error).toMatchObject(failedWith("Redis 6 or later is needed"));
    expect(`${error.message} ${String(error.cause)}`).not.toContain("s3cret");
  });

  test("waits for a server that is busy", async () => {
    const server = await start(["--lua-time-limit", "1"]);
    await using storage = await redisStorage(server.url);
    const [client, other] = [createClient({ url: server.url }), createClient({ url: server.url })];
    for (const each of [client, other]) {
      await each.connect();
      onTestFinished(() => each.destroy());
    }
    // It has not written anything, so that it can be ended.
    const busy = errorOf(client.eval("while true do end"));
    await vi.waitFor(() => expect(other.ping()).rejects.toThrow(/^BUSY/), { interval: 1 });
    let isDone = false;
    const written = storage.set("a", 1).then(() => (isDone = true));
    await expect(other.ping()).rejects.toThrow(/^BUSY/);
    expect(isDone).toBe(false);
    await other.scriptKill();
    expect((await busy).message).toContain("Script killed");
    await written;
    expect(await storage.get("a")).toBe(1);
  });

  test("says what a server without a log has lost", async () => {
    const server = await start(["--appendonly", "no"]);
    await using storage = await redisStorage(server.url, { onWarning: () => {} });
    await storage.set("a", 1);
    await server.kill();
    await server.startAgain();
    await vi.waitFor(() =>
      expect(storage.get("a")).rejects.toMatchObject({
        code: "damaged",
        message: expect.stringContaining("it has lost what was stored"),
      }),
    );
    await using again = await redisStorage(server.url, { onWarning: () => {} });
    expect(await again.get("a")).toBeUndefined();
  });
});

describe.runIf(canStartRedis)("redisStorage on a server that is killed", () => {
  test("has all that was acknowledged when the server is back, and no half of a transaction", async () => {
    const server = await RedisServer.start();
    onTestFinished(() => server.stop());
    await using storage = await redisStorage(server.url);
    let number = 0;
    for (let kill = 0; kill < kills; kill++) {
      const first = number;
      let acknowledged = number;
      const writing = (async () => {
        for (;;) {
          const next = number + 1;
          await storage.transaction((transaction) => {
            for (let key = 0; key < 5; key++) transaction.set(`key ${key}`, next);
          });
          number = next;
          acknowledged = next;
        }
      })();
      const failure = errorOf(writing);
      await vi.waitFor(() => expect(acknowledged).toBeGreaterThan(first + 3 * kill), { interval: 1 });
      await server.kill();
      expect(await failure).toMatchObject({ name: "StorageError", code: "failed" });
      await server.startAgain();
      const [found, ...others] = await storage.getMany(Array.from({ length: 5 }, (_, key) => `key ${key}`));
      expect(others).toEqual([found, found, found, found]);
      expect([acknowledged, acknowledged + 1]).toContain(found);
      number = Number(found);
    }
  });
});
