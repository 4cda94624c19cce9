import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileStorage } from "./file/file-storage.js";
import { redisStorage } from "./redis/redis-storage.js";
import { sqliteStorage } from "./sqlite/sqlite-storage.js";
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

  describe.skipIf(!canStartRedis)("", () => {
    let server: RedisServer;
    beforeAll(async () => (server = await RedisServer.start()));
    afterAll(() => server.stop());

    test("in Redis", async () => {
      const place = server.url;
      const counted = await countTogether({ ...together, kind: "redis", place, open: () => redisStorage(place) });
      expect({ seed, ...counted }).toMatchObject(exact);
    });
  });
});
