import type { RedisClientType } from "@redis/client";
import { createStorage } from "../create-storage.js";
import { withDeadline } from "../deadline.js";
import { problemOf } from "../problem.js";
import { RedisEngine } from "./redis-engine.js";
import { StorageError } from "../storage-error.js";
import type { Storage } from "../storage.js";

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

/** Twice as much still fits into a timer. */
const maxTimeoutMs = 2 ** 30 - 1;

/** The longest wait before the next attempt to connect: closing may have to sit it out. */
const maxReconnectDelayMs = 500;

/**
 * Opens a storage in Redis, with the package `@redis/client`; several processes, on several machines, may share it. How
 * durable a commit is, is the server's choice: Redis loses the last minutes by default; `appendonly yes` with
 * `appendfsync always` loses nothing.
 *
 * Rejects with a `StorageError` when no server answers in time, or when it has dropped values to free memory. Once open, it connects again whenever the connection is
 * lost, and calls reject that get no answer meanwhile.
 */
export async function redisStorage(url: string, options: RedisStorageOptions = {}): Promise<Storage> {
  const { name = "mx", timeoutMs = 5000 } = options;
  requireName(name);
  requireTimeout(timeoutMs);
  const shownUrl = withoutPassword(url);
  const { createClient } = await importRedis(shownUrl);
  let client: RedisClientType | undefined;
  try {
    client = makeClient(createClient, url, timeoutMs);
    await withDeadline(connect(client, `{${name}}:format`), timeoutMs);
    const engine = new RedisEngine(client, { shownUrl, timeoutMs, keys: [`{${name}}:values`, `{${name}}:keys`] });
    // It rejects when Redis has dropped something.
    await engine.scan("", "", 1);
    return createStorage(engine);
  } catch (cause) {
    if (client?.isOpen === true) client.destroy();
    if (cause instanceof StorageError) throw cause;
    throw new StorageError(`Cannot open the Redis at "${shownUrl}": ${problemOf(cause)}`, { cause });
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

function makeClient(
  createClient: typeof import("@redis/client").createClient,
  url: string,
  timeoutMs: number,
): RedisClientType {
  const client: RedisClientType = createClient({
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
