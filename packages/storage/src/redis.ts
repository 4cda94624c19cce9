import type { RedisClientType } from "@redis/client";
import { createStorage } from "./create-storage.js";
import { withDeadline } from "./deadline.js";
import { problemOf } from "./problem.js";
import { RedisEngine } from "./redis-engine.js";
import { StorageError } from "./storage-error.js";
import type { Storage } from "./storage.js";

/** What can be chosen about a storage in Redis. */
export interface RedisStorageOptions {
  /**
   * Which storage of this Redis: its keys begin with `{<name>}:`, so that a cluster keeps them together. Default: `mx`.
   */
  readonly name?: string;
  /** How long to wait for a connection, and for an answer. Default: 5000. */
  readonly timeoutMs?: number;
}

/** The version of what is in Redis. */
const format = "1";

/** The longest wait before the next attempt to connect: closing may have to sit it out. */
const maxReconnectDelayMs = 500;

/**
 * Opens a storage in Redis, with the package `@redis/client`; several processes, on several machines, may share it. How
 * durable a commit is, is the server's choice: Redis loses the last minutes by default; `appendonly yes` with
 * `appendfsync always` loses nothing.
 *
 * Rejects with a `StorageError` when no server answers in time. Once open, it connects again whenever the connection is
 * lost, and calls reject that get no answer meanwhile.
 */
export async function redisStorage(url: string, options: RedisStorageOptions = {}): Promise<Storage> {
  const { name = "mx", timeoutMs = 5000 } = options;
  const shownUrl = withoutPassword(url);
  const client = await createClient(url, shownUrl, timeoutMs);
  try {
    await withDeadline(connect(client, `{${name}}:format`), timeoutMs);
  } catch (cause) {
    if (client.isOpen) client.destroy();
    throw new StorageError(`Cannot open the Redis at "${shownUrl}": ${problemOf(cause)}`, { cause });
  }
  const keys: [string, string] = [`{${name}}:values`, `{${name}}:keys`];
  return createStorage(new RedisEngine(client, { shownUrl, timeoutMs, keys }));
}

async function createClient(url: string, shownUrl: string, timeoutMs: number): Promise<RedisClientType> {
  const redis = await importRedis(shownUrl);
  const client: RedisClientType = redis.createClient({
    url,
    commandOptions: { timeout: timeoutMs },
    socket: {
      connectTimeout: timeoutMs,
      // While it is being opened, the first failure is the answer.
      reconnectStrategy: (retries) => hasBeenReady && Math.min(50 * 2 ** retries, maxReconnectDelayMs),
    },
  });
  let hasBeenReady = false;
  client.once("ready", () => (hasBeenReady = true));
  // Whoever waits for a command gets its error; without a listener, one while nobody waits would end the process.
  client.on("error", () => undefined);
  return client;
}

async function importRedis(shownUrl: string): Promise<typeof import("@redis/client")> {
  try {
    return await import("@redis/client");
  } catch (cause) {
    throw new StorageError(
      `Cannot open the Redis at "${shownUrl}": the package "@redis/client" cannot be loaded; run "npm install @redis/client"`,
      { cause },
    );
  }
}

async function connect(client: RedisClientType, formatKey: string): Promise<void> {
  await client.connect();
  await client.set(formatKey, format, { condition: "NX" });
  const found = await client.get(formatKey);
  if (found !== format) {
    throw new Error(`its format is "${found}", and this version knows "${format}"; update @mx/storage`);
  }
}

/** For errors. What is not the URL of a Redis is not shown at all: a password may be anywhere in it. */
function withoutPassword(url: string): string {
  if (!URL.canParse(url) || !/^rediss?:/.test(url)) {
    throw new TypeError('Cannot open the Redis: its URL is not one of a Redis; it looks like "redis://host:6379"');
  }
  const shown = new URL(url);
  shown.password = "";
  return shown.href;
}
