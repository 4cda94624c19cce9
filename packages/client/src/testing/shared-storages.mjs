import { redisStorage } from "@mx/storage/redis";
import { sqliteStorage } from "@mx/storage/sqlite";

/** The function that opens a storage that processes share, by engine. */
export const sharedStorages = {
  // One that stands still in the middle of a commit has the database locked.
  sqlite: (path) => sqliteStorage(path, { waitMs: 60_000 }),
  redis: (url) => redisStorage(url),
};
