// Opens a store of 100,000 keys: `node --expose-gc open-large.mjs <store> <path>`. Prints, as JSON, how long it takes until the first
// value is there, and how much memory it has taken then: of the heap, and altogether. Without a path, it makes the store, and prints
// where it is: what that leaves behind in the memory of the process is not measured.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyOfLarge } from "./cases.mjs";
import { openOurs } from "./our-stores.mjs";
import { openKeyvFile } from "./peer-stores.mjs";
import { newFolder } from "./places.mjs";
import { keyOf, newValue } from "./values.mjs";

const [, , name, path] = process.argv;
const allKeys = Array.from({ length: 100_000 }, (_, index) => keyOf(index));

if (path === undefined) console.log(JSON.stringify(await make()));
else await measure();
process.exit();

async function make() {
  if (name === "JSON.parse") {
    const file = join(newFolder(), "values.json");
    writeFileSync(file, JSON.stringify(Object.fromEntries(allKeys.map((key) => [key, newValue()]))));
    return file;
  }
  if (name === "keyv-file") {
    const file = join(newFolder(), "keyv.json");
    const filled = await openKeyvFile(file);
    await filled.setAll(allKeys.map((key) => [key, newValue()]));
    await filled.close();
    return file;
  }
  return copyOfLarge(name, "process", allKeys.length);
}

async function measure() {
  if (name === "file" || name === "sqlite") await loadCode();
  gc();
  const before = process.memoryUsage();
  const start = performance.now();
  const opened = await open();
  if ((await opened.get(allKeys.at(-1))) === undefined) throw new Error("the last value is not there");
  const openMs = performance.now() - start;
  gc();
  const after = process.memoryUsage();
  console.log(
    JSON.stringify({
      openMs,
      heapMB: megabytes(after.heapUsed + after.external - before.heapUsed - before.external),
      rssMB: megabytes(after.rss - before.rss),
      diskMB: megabytes(statSync(path).size),
    }),
  );
  await opened.close();
}

function megabytes(bytes) {
  return bytes / 2 ** 20;
}

async function loadCode() {
  const { storage } = await openOurs(name, "process");
  await storage.set("a", 1);
  await storage.close();
}

async function open() {
  if (name === "JSON.parse") return ofMap(new Map(Object.entries(JSON.parse(readFileSync(path, "utf8")))));
  if (name === "keyv-file") return openKeyvFile(path);
  return (await openOurs(name, "process", path)).storage;
}

function ofMap(map) {
  return { get: async (key) => map.get(key), async close() {} };
}
