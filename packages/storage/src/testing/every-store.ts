import { join } from "node:path";
import { Keyv } from "keyv";
import { onTestFinished } from "vitest";
import type { ContractFixture } from "../contract.js";
import { fileStorage } from "../file/file-storage.js";
import { memoryStorage } from "../memory.js";
import { redisStorage } from "../redis/redis-storage.js";
import { sqliteStorage } from "../sqlite/sqlite-storage.js";
import { toStorage } from "../to-storage.js";
import { RedisServer, canUseRedis } from "./redis-server.js";
import { temporaryFolder } from "./temporary-folder.js";

/** A kind of store: what it needs is there once `prepare` resolves, until the test ends. */
export interface StoreKind {
  readonly name: string;
  /** Resolves with what makes empty stores. */
  prepare(): Promise<() => ContractFixture>;
}

let stores = 0;

const redisKind: StoreKind = {
  name: "redis",
  async prepare() {
    const url = process.env["REDIS_URL"] ?? (await startRedis());
    return () => {
      const name = `mx test ${process.pid} every ${stores++}`;
      // What is in memory may be older than what another storage has just written.
      const isShared = stores % 2 === 0;
      const open = () => redisStorage(url, isShared ? { name, hotBytes: 0 } : { name });
      return { open, isDurable: true, isShared };
    };
  },
};

async function startRedis(): Promise<string> {
  const server = await RedisServer.start();
  onTestFinished(() => server.stop());
  return server.url;
}

/** All that this machine can run. */
export const everyKind: readonly StoreKind[] = [
  {
    name: "memory",
    prepare: async () => () => ({ open: async () => memoryStorage(), isDurable: false, isShared: false }),
  },
  {
    name: "file",
    async prepare() {
      const folder = await temporaryFolder();
      return () => {
        const path = join(folder, `${stores++}.json`);
        return { open: () => fileStorage(path), isDurable: true, isShared: false };
      };
    },
  },
  {
    name: "sqlite",
    async prepare() {
      const folder = await temporaryFolder();
      return () => {
        const path = join(folder, `${stores++}.db`);
        return { open: () => sqliteStorage(path), isDurable: true, isShared: true };
      };
    },
  },
  ...(canUseRedis ? [redisKind] : []),
  {
    name: "a Map",
    prepare: async () => () => {
      const map = new Map<string, unknown>();
      return { open: async () => toStorage(map), isDurable: true, isShared: true };
    },
  },
  {
    name: "a Keyv",
    prepare: async () => () => {
      const keyv = new Keyv(new Map());
      return { open: async () => toStorage(keyv), isDurable: true, isShared: true };
    },
  },
];
