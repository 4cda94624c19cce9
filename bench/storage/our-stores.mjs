import { join } from "node:path";
import { memoryStorage } from "../../packages/storage/dist/index.js";
import { openers } from "./openers.mjs";
import { newFolder, redisUrls } from "./places.mjs";

/** Opens a storage of ours at a place of its own, or again at `place`. */
export async function openOurs(engine, durability, place = newPlace(engine)) {
  if (engine === "memory") return { place, storage: memoryStorage() };
  if (engine !== "redis") return { place, storage: await openers[engine](place, { durability }) };
  // It warns of a server that loses what is acknowledged, which is what `process` is about.
  const options = { name: place, durability, onWarning: () => undefined };
  return { place, storage: await openers.redis(redisUrls[durability], options) };
}

function newPlace(engine) {
  return engine === "redis" ? `mx ${process.pid}` : join(newFolder(), `ours.${engine}`);
}
