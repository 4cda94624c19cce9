import { fileStorage } from "../../packages/storage/dist/file/file-storage.js";
import { redisStorage } from "../../packages/storage/dist/redis/redis-storage.js";
import { sqliteStorage } from "../../packages/storage/dist/sqlite/sqlite-storage.js";

/** The function that opens a storage, by engine. */
export const openers = { file: fileStorage, sqlite: sqliteStorage, redis: redisStorage };
