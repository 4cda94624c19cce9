import { createStorage } from "../create-storage.js";
import { warnings } from "../env.js";
import { StorageError } from "../storage-error.js";
import type { Storage } from "../storage.js";
import type { StoreOptions } from "../store.js";
import { type Redis, addressesOf } from "./redis-address.js";
import { type WantedDurability, askDurability, durabilityWarning } from "./redis-durability.js";
import { RedisEngine } from "./redis-engine.js";
import type { RedisPackage } from "./redis-link.js";

export type { Redis, RedisClient } from "./redis-address.js";

/** What can be chosen about a storage in Redis. */
export interface RedisStorageOptions extends StoreOptions {
  /**
   * Which storage of this Redis: its keys begin with `{<name>}:`, so that a cluster keeps them together. Default: `mx`.
   */
  readonly name?: string;
  /** How long to wait for a connection, and for an answer. Default: 5000. */
  readonly timeoutMs?: number;
  /**
   * What an acknowledged write has to survive: a loss of power at the server, or just the end of this process. It does
   * not change what the server does, only what is warned of. Default: `power-loss`.
   */
  readonly durability?: WantedDurability;
  /**
   * Gets the warning that the server would lose acknowledged writes, once; its text says what to set. Default: the
   * warning is shown, as a warning of the process.
   */
  readonly onWarning?: (warning: Error) => void;
}

/** Four times as much still fits into a timer. */
const maxTimeoutMs = 2 ** 29 - 1;

/**
 * Opens a storage in Redis, with the package `@redis/client`; several processes, on several machines, may share it.
 * `redis` is a URL, some URLs of a cluster, or a client of `@redis/client` whose settings are taken. How durable a commit
 * is, is the server's choice: Redis loses the last minutes by default; `appendonly yes` with `appendfsync always` loses
 * nothing. `guarantees.durability` says what it is, and there is a warning when it is less than was asked for.
 *
 * A value that is answered from memory may be older than what another process has just written, by the time that its
 * notice takes (at most by `timeoutMs`, when the connection is silently broken). What a transaction has read is checked
 * when it commits.
 *
 * Rejects with a `StorageError` when no server answers in time, or when it has dropped values to free memory. Once open,
 * it connects again whenever the connection is lost, and calls reject that get no answer meanwhile.
 */
export async function redisStorage(redis: Redis, options: RedisStorageOptions = {}): Promise<Storage> {
  const { name = "mx", timeoutMs = 5000, durability = "power-loss", onWarning = warnings.show } = options;
  requireName(name);
  requireTimeout(timeoutMs);
  requireDurability(durability);
  const servers = addressesOf(redis);
  const shown = servers[0]?.shown ?? "";
  const engine = new RedisEngine(await importRedis(shown), { servers, name, timeoutMs });
  try {
    await engine.open();
    const found = await askDurability((command) => engine.ask(command));
    engine.guarantees = { durability: found.durability, sharing: "machines" };
    const warning = durabilityWarning(shown, durability, found);
    if (warning !== undefined) onWarning(Object.assign(new Error(warning), { name: "StorageWarning" }));
    return createStorage(engine, options);
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** Redis takes what is between the first braces for the place in a cluster, unless nothing is. */
function requireName(name: unknown): void {
  if (typeof name === "string" && name !== "" && !name.startsWith("}")) return;
  const shown = typeof name === "string" ? JSON.stringify(name) : String(name);
  throw new TypeError(
    `Cannot open the Redis: the name ${shown} is none; give a text that is not empty and does not start with "}"`,
  );
}

function requireTimeout(timeoutMs: unknown): void {
  if (typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs <= maxTimeoutMs) return;
  throw new TypeError(
    `Cannot open the Redis: timeoutMs is ${String(timeoutMs)}; give milliseconds, more than 0 and at most ${maxTimeoutMs}`,
  );
}

function requireDurability(durability: unknown): void {
  if (durability === "power-loss" || durability === "process") return;
  throw new TypeError(
    `Cannot open the Redis: durability is ${JSON.stringify(durability)}; give "power-loss" or "process"`,
  );
}

async function importRedis(shown: string): Promise<RedisPackage> {
  try {
    return await import("@redis/client");
  } catch (cause) {
    throw new StorageError(
      `Cannot open the Redis at "${shown}": the package "@redis/client" cannot be loaded; run "npm install @redis/client"`,
      { cause },
    );
  }
}
