import { memoryStorage } from "@mx/storage";
import { fileStorage } from "@mx/storage/file";
import { redisStorage } from "@mx/storage/redis";
import { sqliteStorage } from "@mx/storage/sqlite";

/** The storages that a person of the demo can have. To use another one in an application of yours is a change of one line. */
export const storages = {
  memory: () => memoryStorage(),
  file: (folder, name) => fileStorage(`${folder}/${name}.log`),
  sqlite: (folder, name) => sqliteStorage(`${folder}/${name}.db`),
  redis: () => redisStorage(process.env.REDIS_URL, { name: process.env.REDIS_NAME }),
};
