// Keyv's own test suite, on a Keyv on each of our storages. `keyv-suites.mjs` says where the packages are, and which Keyv it is.
import fs from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "vitest";
import { fileStorage } from "../../packages/storage/dist/file/file-storage.js";
import { memoryStorage } from "../../packages/storage/dist/index.js";
import { keyvStore } from "../../packages/storage/dist/keyv/keyv.js";
import { redisStorage } from "../../packages/storage/dist/redis/redis-storage.js";
import { sqliteStorage } from "../../packages/storage/dist/sqlite/sqlite-storage.js";
import { canStartRedis, RedisServer } from "../../packages/storage/src/testing/redis-server.js";

const { KEYV_SUITES_PACKAGES: folder, KEYV_SUITES_KEYV: keyvPackage } = process.env;
const require = createRequire(join(folder, "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);

const { Keyv } = await load(keyvPackage);
const { default: keyvTestSuite, keyvIteratorTests } = await load("@keyv/test-suite");
const isKeyv6 = keyvPackage === "keyv-6";

// The suite is for Keyv 5, and there is none for Keyv 6 on the registry. What it expects of Keyv 6 though that has changed it:
const changedInKeyv6 = [
  [
    ".deleteMany([keys]) with nonexistent keys resolves to false",
    "Keyv 6 answers for each key, as it does on its own Map",
  ],
];

/** What Keyv's own Map does not do, in the same suite. */
const failsOnMap = new Map([
  ...changedInKeyv6,
  ["value can be BigInt using other serializer/deserializer", "it sets an option of the store, and a Map has none"],
]);

const failsOnStorage = new Map(
  isKeyv6
    ? [
        ...changedInKeyv6,
        [
          "iterator() doesn't yield values from other namespaces",
          "it gives one store to Keyvs of two namespaces, whose calls nobody can tell apart; keyvStore refuses the second",
        ],
      ]
    : [],
);

/** Vitest for the suite. What is expected to fail has to, so that the lists above are never too long. */
function testsBut(exceptions) {
  const register = (name, test) => {
    const reason = exceptions.get(name);
    return reason === undefined ? it(name, test) : it.fails(`${name} (expected to fail: ${reason})`, test);
  };
  return { it: register, beforeEach, afterEach };
}

function describeSuite(store, exceptions) {
  describe("works", () => {
    keyvTestSuite(testsBut(exceptions), Keyv, store);
  });
  describe("lists", () => {
    keyvIteratorTests(testsBut(exceptions), Keyv, store);
  });
}

const storages = {
  memory: { open: async () => memoryStorage() },
  file: { open: (path) => fileStorage(join(path, "keyv.mx")) },
  sqlite: { open: (path) => sqliteStorage(join(path, "keyv.db")) },
  redis: { open: (_path, redis) => redisStorage(redis.url), needsRedis: true },
};

if (isKeyv6) describe("a Keyv on a Map", () => describeSuite(() => new Map(), failsOnMap));

for (const [name, { open, needsRedis = false }] of Object.entries(storages)) {
  describe.skipIf(needsRedis && !canStartRedis)(`a Keyv on a ${name} storage`, () => {
    let path;
    let redis;
    let storage;

    beforeAll(async () => {
      path = await fs.mkdtemp(join(tmpdir(), "mx-keyv-suites-"));
      if (needsRedis) redis = await RedisServer.start();
      storage = await open(path, redis);
    });
    afterAll(async () => {
      await storage?.close();
      await redis?.stop();
      await fs.rm(path, { recursive: true, force: true });
    });

    describeSuite(() => keyvStore(storage), failsOnStorage);
  });
}
