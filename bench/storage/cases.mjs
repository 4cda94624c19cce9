// What is measured: a case for each engine and durability, in which a storage of ours takes turns with what is under it.
import { closeSync, cpSync, existsSync, fsyncSync, openSync } from "node:fs";
import { join } from "node:path";
import { openOurs } from "./our-stores.mjs";
import { keyvFile, keyvSqlite } from "./peer-stores.mjs";
import { folder, newFolder, redisUrls } from "./places.mjs";
import { rawFile, rawRedis, rawSqlite } from "./raw-stores.mjs";
import { keyOf, newValue } from "./values.mjs";

const keys = Array.from({ length: 2000 }, (_, index) => keyOf(index));
const coldKeys = Array.from({ length: 5000 }, (_, index) => keyOf(index));

/** The part of what the driver does that ours must do at least. */
const goalBesideDriver = { file: 0.5, sqlite: 0.7, redis: 0.7 };
const goalBesideMap = 0.5;
/** How much of the speed at 1,000 keys must be left at 100,000: they may cost 1.3 times as much. */
const goalOfLarge = 0.77;

const rawNames = {
  "file power-loss": "writeSync, fdatasync",
  "file process": "writeSync",
  "sqlite power-loss": "driver, WAL, FULL",
  "sqlite process": "driver, WAL, NORMAL",
  "redis power-loss": "@redis/client",
  "redis process": "@redis/client",
};

const openRaw = {
  file: rawFile,
  sqlite: rawSqlite,
  redis: (durability) => rawRedis(redisUrls[durability]),
};

const peers = {
  "file process": { "keyv-file": keyvFile },
  "sqlite power-loss": { "@keyv/sqlite": keyvSqlite },
};

const places = Object.keys(rawNames).map((name) => {
  const [engine, durability] = name.split(" ");
  return { name, engine, durability, raw: rawNames[name], peers: peers[name] ?? {} };
});

export const cases = [
  ...places.map((place) => besideDriver("set", place, setting, (open) => setting(open))),
  ...places.map((place) => besideDriver("100 sets at once", place, settingAtOnce, settingAll, { size: 100 })),
  ...places.map((place) =>
    besideDriver("read and write, one transaction", { ...place, peers: {} }, committing, updating, { hasGoal: false }),
  ),
  ...places
    .filter(({ durability }) => durability === "process")
    .map((place) => besideDriver("get, cold", { ...place, peers: {} }, gettingCold, gettingAll, { hasGoal: false })),
  {
    name: "get, hot",
    raw: "Map of objects",
    goals: Object.fromEntries(
      ["memory", "file", "sqlite", "redis"].map((engine) => [`@mx/storage ${engine}`, goalBesideMap]),
    ),
    contestants: {
      "Map of objects": gettingHot(async () => {
        const map = new Map();
        return {
          get: (key) => map.get(key),
          set: (key, value) => map.set(key, value),
          close() {},
        };
      }),
      ...Object.fromEntries(
        ["memory", "file", "sqlite", "redis"].map((engine) => [
          `@mx/storage ${engine}`,
          gettingHot(async () => (await openOurs(engine, "process")).storage),
        ]),
      ),
      "keyv-file": gettingHot(keyvFile),
      "@keyv/sqlite": gettingHot(keyvSqlite),
    },
  },
  ...["file", "sqlite"].flatMap((engine) => [
    large("overwrite in a large store", engine, "process", overwriting, { sustained: true }),
    large("new key in a large store", engine, "process", adding),
    large("overwrite in a large store", engine, "power-loss", overwritingForATurn),
  ]),
];

export async function contestantOf(caseName, contestant) {
  return cases.find(({ name }) => name === caseName).contestants[contestant];
}

/** The case in which ours does `task`, and everybody else does `rawTask`, at the same place. */
function besideDriver(what, { name, engine, durability, raw, peers: others }, task, rawTask, options = {}) {
  const { hasGoal = true, size = 1 } = options;
  return {
    name: `${what}, ${name}`,
    size,
    raw,
    goals: hasGoal ? { "@mx/storage": goalBesideDriver[engine] } : {},
    contestants: {
      "@mx/storage": () => task(async (place) => openOurs(engine, durability, place)),
      [raw]: () => rawTask(async () => ({ storage: await openRaw[engine](durability) })),
      ...Object.fromEntries(
        Object.entries(others).map(([peer, open]) => [peer, () => rawTask(async () => ({ storage: await open() }))]),
      ),
    },
  };
}

async function setting(open) {
  const { storage } = await open();
  await fill(storage, keys);
  let next = 0;
  return {
    async run(times) {
      for (let time = 0; time < times; time++) await storage.set(keys[next++ % keys.length], newValue());
    },
    close: () => storage.close(),
  };
}

/** As an application does that does not know of others who write at the same time. */
async function settingAtOnce(open) {
  const { storage } = await open();
  await fill(storage, keys);
  return {
    async run(times) {
      for (let time = 0; time < times; time++) {
        await Promise.all(hundredKeys(time).map((key) => storage.set(key, newValue())));
      }
    },
    close: () => storage.close(),
  };
}

/** As one that knows. */
async function settingAll(open) {
  const { storage } = await open();
  await fill(storage, keys);
  return {
    async run(times) {
      for (let time = 0; time < times; time++) {
        await storage.setAll(hundredKeys(time).map((key) => [key, newValue()]));
      }
    },
    close: () => storage.close(),
  };
}

function hundredKeys(time) {
  const start = (time * 100) % keys.length;
  return keys.slice(start, start + 100);
}

async function committing(open) {
  const { storage } = await open();
  await fill(storage, keys);
  let next = 0;
  return {
    async run(times) {
      for (let time = 0; time < times; time++) {
        const key = keys[next++ % keys.length];
        await storage.transaction(async (transaction) => {
          transaction.set(key, changed(await transaction.get(key)));
        });
      }
    },
    close: () => storage.close(),
  };
}

async function updating(open) {
  const { storage } = await open();
  await fill(storage, keys);
  let next = 0;
  return {
    async run(times) {
      for (let time = 0; time < times; time++) await storage.update(keys[next++ % keys.length], changed);
    },
    close: () => storage.close(),
  };
}

function changed(value) {
  return { ...value, number: value.number + 1 };
}

/** Each turn reads values that were not read since the storage was opened. */
async function gettingCold(open) {
  let { place, storage } = await open();
  await fill(storage, coldKeys);
  return {
    times: coldKeys.length,
    async prepare() {
      await storage.close();
      ({ storage } = await open(place));
    },
    run: (times) => getAll(storage, coldKeys, times),
    close: () => storage.close(),
  };
}

async function gettingAll(open) {
  const { storage } = await open();
  await fill(storage, coldKeys);
  return {
    times: coldKeys.length,
    run: (times) => getAll(storage, coldKeys, times),
    close: () => storage.close(),
  };
}

function gettingHot(open) {
  return async () => {
    const storage = await open();
    await fill(storage, keys);
    await getAll(storage, keys, keys.length);
    return { run: (times) => getAll(storage, keys, times), close: () => storage.close() };
  };
}

async function getAll(storage, wanted, times) {
  let sum = 0;
  for (let time = 0; time < times; time++) sum += (await storage.get(wanted[time % wanted.length])).number;
  if (!(sum > 0)) throw new Error("the values are not those that were set");
}

/** The case that compares a store of 100,000 keys with one of 1,000. */
function large(what, engine, durability, task, options = {}) {
  const contestant = (count) => () => task(count, () => openLarge(engine, durability, count));
  const driver = (count) => () => task(count, () => openLargeRaw(durability, count));
  return {
    name: `${what}, ${engine} ${durability}`,
    raw: "1,000 keys",
    goals: { "100,000 keys": goalOfLarge },
    contestants: {
      "1,000 keys": contestant(1000),
      "100,000 keys": contestant(100_000),
      // What the driver takes for the same, as a store of 100,000 keys does not fit into SQLite's cache.
      ...(engine === "sqlite" && task !== adding
        ? { "driver, 1,000 keys": driver(1000), "driver, 100,000 keys": driver(100_000) }
        : {}),
    },
    ...options,
  };
}

/** A copy of a store that is made once. */
export async function openLarge(engine, durability, count) {
  const { storage } = await openOurs(engine, durability, await copyOfLarge(engine, durability, count));
  return storage;
}

async function openLargeRaw(durability, count) {
  const raw = await rawSqlite(durability);
  raw.setAll(Array.from({ length: count }, (_, index) => [keyOf(index), newValue()]));
  return raw;
}

export async function copyOfLarge(engine, durability, count) {
  const original = join(folder, `${count} ${durability}.${engine}`);
  if (!existsSync(original)) {
    const { place, storage } = await openOurs(engine, durability);
    await fill(
      storage,
      Array.from({ length: count }, (_, index) => keyOf(index)),
    );
    await storage.close();
    cpSync(place, original);
  }
  const copy = join(newFolder(), `copy.${engine}`);
  cpSync(original, copy);
  writeOut(copy);
  return copy;
}

/** The first `fdatasync` of a turn shall not have all of a file to write that was made just now. */
function writeOut(path) {
  const file = openSync(path, "r+");
  fsyncSync(file);
  closeSync(file);
}

/** So often that a store of 100,000 keys has to be tidied as well. */
async function overwriting(count, open) {
  return { ...(await overwritingForATurn(count, open)), times: 20_000 };
}

async function overwritingForATurn(count, open) {
  const storage = await open();
  let index = 0;
  return {
    async run(times) {
      for (let time = 0; time < times; time++) {
        // Not one beside the other.
        index = (index + 7919) % count;
        await storage.set(keyOf(index), newValue());
      }
    },
    close: () => storage.close(),
  };
}

/** They are removed before the next turn, so that the small store stays small. */
async function adding(_count, open) {
  const storage = await open();
  const added = storage.namespace("added");
  return {
    times: 1000,
    prepare: () => added.clear(),
    async run(times) {
      for (let time = 0; time < times; time++) await added.set(keyOf(time), newValue());
    },
    close: () => storage.close(),
  };
}

async function fill(storage, wanted) {
  for (let start = 0; start < wanted.length; start += 1000) {
    const some = wanted.slice(start, start + 1000);
    if (storage.setAll === undefined) await Promise.all(some.map((key) => storage.set(key, newValue())));
    else await storage.setAll(some.map((key) => [key, newValue()]));
  }
}
