import { Keyv } from "keyv";
import { describe, test } from "vitest";
import { createStorage } from "./create-storage.js";
import { FileEngine } from "./file/file-engine.js";
import { keyvEngine } from "./keyv/keyv-engine.js";
import { mapEngine } from "./map-engine.js";
import { RedisEngine } from "./redis/redis-engine.js";
import { SqliteEngine } from "./sqlite/sqlite-engine.js";
import { tableEngine } from "./table-engine.js";
import { checkModel } from "./testing/check-model.js";
import { EngineFailures } from "./testing/engine-failures.js";
import { everyKind } from "./testing/every-store.js";

/** What the storages are made of that are opened by `everyKind`. */
const prototypes: Readonly<Record<string, FileEngine | SqliteEngine | RedisEngine>> = {
  file: FileEngine.prototype,
  sqlite: SqliteEngine.prototype,
  redis: RedisEngine.prototype,
};

describe("a storage does what a plain object does, also when its backend fails now and then:", () => {
  test.each(everyKind.filter(({ name }) => name in prototypes))("$name", async (kind) => {
    const makeStore = await kind.prepare();
    const failures = new EngineFailures();
    const prototype = prototypes[kind.name];
    if (prototype !== undefined) failures.inject(prototype);
    await checkModel(makeStore, 10, failures);
  });

  test.each([
    ["memory", undefined],
    ["memory, nothing of which is kept above the engine", 0],
    ["memory, little of which is kept above the engine", 600],
  ])("%s", async (_, hotBytes) => {
    const failures = new EngineFailures();
    const makeStore = () => {
      const engine = failures.inject(tableEngine());
      const open = async () => createStorage(engine, hotBytes === undefined ? {} : { hotBytes });
      return { open, isDurable: true, isShared: false };
    };
    await checkModel(makeStore, 50, failures);
  });

  test("a Map", async () => {
    const failures = new EngineFailures();
    const makeStore = () => {
      const engine = failures.inject(mapEngine(new Map()));
      return { open: async () => createStorage(engine), isDurable: true, isShared: true };
    };
    await checkModel(makeStore, 50, failures);
  });

  test("a Keyv", async () => {
    const failures = new EngineFailures();
    const makeStore = () => {
      const engine = failures.inject(keyvEngine(new Keyv(new Map())));
      return { open: async () => createStorage(engine), isDurable: true, isShared: true };
    };
    await checkModel(makeStore, 50, failures);
  });
});
