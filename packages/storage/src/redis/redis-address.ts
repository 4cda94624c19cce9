import type { RedisClientOptions } from "@redis/client";

type RedisTcpSocketOptions = Extract<NonNullable<RedisClientOptions["socket"]>, { host?: unknown }>;

/**
 * A Redis: its URL; those of some nodes of a cluster; or a client of `@redis/client`, whose settings are used for a
 * connection of our own: what a URL cannot say, as the certificates of a server. The client itself is left alone.
 */
export type Redis = string | readonly string[] | RedisClient;

/** What is used of a client of `@redis/client`, from `createClient`. */
export interface RedisClient {
  readonly options: object | undefined;
}

/** A server, and how to connect to it. */
export interface RedisAddress {
  /** Its URL, without the password. */
  readonly shown: string;
  readonly settings: RedisClientOptions;
}

/** Throws a `TypeError` that shows nothing of what is no URL of a Redis: a password may be anywhere in it. */
export function addressesOf(redis: Redis): RedisAddress[] {
  if (typeof redis === "string") return [atUrl(redis)];
  if (isList(redis) && redis.length > 0) return redis.map(atUrl);
  if (typeof redis === "object" && "options" in redis) return [asConnectedBy(redis.options ?? {})];
  throw new TypeError("Cannot open the Redis: give its URL, a list of URLs of a cluster, or a client of @redis/client");
}

/** The server at another address, with the same name and password. */
export function atAddress({ settings }: RedisAddress, host: string, port: number): RedisAddress {
  const { url, ...others } = settings;
  // A node that does not know its own address means the one where it was asked.
  const address = { ...(host === "" ? {} : { host: host.replace(/^\[|\]$/g, "") }), port };
  if (url === undefined) return asConnectedBy({ ...others, socket: { ...others.socket, ...address } });
  const moved = new URL(url);
  if (host !== "") moved.hostname = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  moved.port = String(port);
  return atUrl(moved.href);
}

function isList(redis: Redis): redis is readonly string[] {
  return Array.isArray(redis);
}

function atUrl(url: unknown): RedisAddress {
  if (typeof url !== "string" || !URL.canParse(url) || !/^rediss?:/.test(url)) {
    throw new TypeError('Cannot open the Redis: its URL is not one of a Redis; it looks like "redis://host:6379"');
  }
  return { shown: withoutPassword(url), settings: { url } };
}

/** What matters for the connection; how a client treats commands and replies is our own choice. */
function asConnectedBy(options: RedisClientOptions): RedisAddress {
  const { url, socket, username, password, credentialsProvider, name, database } = options;
  const settings: RedisClientOptions = {
    ...(url === undefined ? {} : { url }),
    ...(socket === undefined ? {} : { socket }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(credentialsProvider === undefined ? {} : { credentialsProvider }),
    ...(name === undefined ? {} : { name }),
    ...(database === undefined ? {} : { database }),
  };
  if (url !== undefined) return { shown: withoutPassword(url), settings };
  if (socket !== undefined && "path" in socket) return { shown: String(socket.path), settings };
  const { host = "localhost", port = 6379 }: RedisTcpSocketOptions = socket ?? {};
  return { shown: `redis://${host.includes(":") ? `[${host}]` : host}:${port}`, settings };
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  shown.password = "";
  // Nothing in it is used, so that it may be anything.
  shown.search = "";
  return shown.href;
}
