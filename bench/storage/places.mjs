import { mkdtempSync } from "node:fs";
import { join } from "node:path";

/** A folder for what the benchmark stores, on the disk that it measures; it is removed at the end. */
export const folder = process.env.MX_BENCH_FOLDER;

/** The URLs of the Redis servers, by durability; `undefined` when there are none. */
export const redisUrls = process.env.MX_BENCH_REDIS === undefined ? undefined : JSON.parse(process.env.MX_BENCH_REDIS);

export function newFolder() {
  return mkdtempSync(join(folder, "store-"));
}
