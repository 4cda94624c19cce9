// Opens a store of 100,000 keys in a process of its own: `node --expose-gc open-large.mjs <store>`. Prints, as JSON, how long it
// takes until the first value is there, and how much memory it has taken then: of the heap, and altogether.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyOfLarge } from "./cases.mjs";
import { openOurs } from "./our-stores.mjs";
import { openKeyvFile } from "./peer-stores.mjs";
import { newFolder } from "./places.mjs";
import { keyOf, newValue } from "./values.mjs";

const [, , name] = process.argv;
const allKeys = Array.from({ length: 100_000 }, (_, index) => keyOf(index));

const store = await prepare(name);
gc();
const before = process.memoryUsage();
const start = performance.now();
const opened = await store.open();
if ((await opened.get(allKeys.at(-1))) === undefined) throw new Error("the last value is not there");
const openMs = performance.now() - start;
gc();
const after = process.memoryUsage();
const megabytes = (bytes) => bytes / 2 ** 20;
console.log(
  JSON.stringify({
    openMs,
    heapMB: megabytes(after.heapUsed + after.external - before.heapUsed - before.external),
    rssMB: megabytes(after.rss - before.rss),
    diskMB: megabytes(statSync(store.path).size),
  }),
);
await opened.close();
process.exit();

async function prepare(kind) {
  if (kind === "JSON.parse") {
    const path = join(newFolder(), "values.json");
    writeFileSync(path, JSON.stringify(Object.fromEntries(allKeys.map((key) => [key, newValue()]))));
    const parse = () => new Map(Object.entries(JSON.parse(readFileSync(path, "utf8"))));
    return { path, open: async () => ofMap(parse()) };
  }
  if (kind === "keyv-file") {
    const path = join(newFolder(), "keyv.json");
    const filled = await openKeyvFile(path);
    await filled.setAll(allKeys.map((key) => [key, newValue()]));
    await filled.close();
    return { path, open: () => openKeyvFile(path) };
  }
  const path = await copyOfLarge(kind, allKeys.length);
  // So that the code is loaded.
  await (await openOurs(kind, "process")).storage.close();
  return { path, open: async () => (await openOurs(kind, "process", path)).storage };
}

function ofMap(map) {
  return { get: async (key) => map.get(key), async close() {} };
}
