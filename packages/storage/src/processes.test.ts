import { join } from "node:path";
import { createClient } from "@redis/client";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { fileStorage } from "./file/file-storage.js";
import { redisStorage } from "./redis/redis-storage.js";
import { sqliteStorage } from "./sqlite/sqlite-storage.js";
import { checkKills } from "./testing/check-kills.js";
import { countTogether } from "./testing/count-together.mjs";
import { canStartRedis, RedisServer } from "./testing/redis-server.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

const seed = Math.floor(Math.random() * 2 ** 31);
const together = { seed, increments: 24, kills: 1, ttlMs: 100, incrementsPerStall: 5 };

const exact = { kills: 1, problems: [] };

describe("four processes that add to a counter, by transactions and under a lease, count exactly when one is killed", () => {
  test("in a file, which one at a time has open", async () => {
    const place = join(await temporaryFolder(), "shared.mx");
    const open = () => fileStorage(place);
    const given = { waitMs: Infinity };
    const counted = await countTogether({ ...together, kind: "file", place, given, incrementsPerOpening: 3, open });
    expect({ seed, ...counted }).toMatchObject(exact);
  });

  test("in SQLite", async () => {
    const place = join(await temporaryFolder(), "shared.db");
    const counted = await countTogether({ ...together, kind: "sqlite", place, open: () => sqliteStorage(place) });
    expect({ seed, ...counted }).toMatchObject(exact);
  });

  test.skipIf(!canStartRedis)("in Redis", async () => {
    const { url: place } = await startRedis();
    const counted = await countTogether({ ...together, kind: "redis", place, open: () => redisStorage(place) });
    expect({ seed, ...counted }).toMatchObject(exact);
  });
});

test.skipIf(!canStartRedis)(
  "redisStorage loses nothing that was acknowledged, and has all of a transaction or nothing, when it or its server is killed",
  async () => {
    const server = await startRedis();
    let isServersTurn = false;
    await checkKills("redis", server.url, () => redisStorage(server.url), {
      crash: async (process) => {
        if (isServersTurn) await server.kill();
        await process.kill();
        await (isServersTurn ? server.startAgain() : hasHeardAll(server));
        isServersTurn = !isServersTurn;
      },
      mayFail: true,
    });
  },
);

async function startRedis(): Promise<RedisServer> {
  const server = await RedisServer.start();
  onTestFinished(() => server.stop());
  return server;
}

/** A server may still have something to read of what a process has sent that is no more. */
async function hasHeardAll(server: RedisServer): Promise<void> {
  const client = await createClient({ url: server.url }).connect();
  try {
    await vi.waitFor(async () => expect(clientsIn(await client.sendCommand(["CLIENT", "LIST"]))).toBe(1));
  } finally {
    client.destroy();
  }
}

function clientsIn(list: unknown): number {
  return String(list).trim().split("\n").length;
}
