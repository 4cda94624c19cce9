import type { RedisClientType } from "@redis/client";
import { withDeadline } from "../deadline.js";
import type { Commit, StorageEngine } from "../engine.js";
import { problemOf } from "../problem.js";
import { commitScript, dropped, scanScript } from "./redis-scripts.js";
import { StorageError } from "../storage-error.js";

/** Where and how long to ask. */
export interface RedisPlace {
  /** The URL without its password. */
  readonly shownUrl: string;
  /** How long a command waits for a connection, and then again for its answer. */
  readonly timeoutMs: number;
  /** The hash with the values, and the sorted set with the keys. */
  readonly keys: [values: string, keys: string];
}

/** Values in a hash and keys in a sorted set, changed by scripts, which Redis runs one at a time. */
export class RedisEngine implements StorageEngine {
  readonly #client: RedisClientType;
  readonly #place: RedisPlace;

  constructor(client: RedisClientType, place: RedisPlace) {
    this.#client = client;
    this.#place = place;
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    if (keys.length === 0) return [];
    const [hash] = this.#place.keys;
    const values = listOf(await this.#send("read from", "", ["HMGET", hash, ...keys]));
    return values.map((value) => (typeof value === "string" ? value : undefined));
  }

  async scan(prefix: string, after: string, limit: number): Promise<(readonly [key: string, value: string])[]> {
    // `after` may be before all keys with the prefix; the script's upper end keeps to the prefix.
    const first = Buffer.compare(Buffer.from(after), Buffer.from(prefix)) < 0 ? `[${prefix}` : `(${after}`;
    const reply = await this.#run("read from", "", scanScript, [prefix, first, String(limit)]);
    const texts = listOf(reply);
    const rows: [string, string][] = [];
    for (let index = 0; index < texts.length; index += 2) rows.push([String(texts[index]), String(texts[index + 1])]);
    return rows;
  }

  async commit({ expected, cleared, written }: Commit): Promise<boolean> {
    const reply = await this.#run("write to", "; it may have been written all the same", commitScript, [
      String(expected.size),
      ...[...expected].flatMap(([key, value]) => [key, toArgument(value)]),
      String(cleared.length),
      ...cleared,
      ...[...written].flatMap(([key, value]) => [key, toArgument(value)]),
    ]);
    return reply === 1;
  }

  async close(): Promise<void> {
    if (this.#client.isOpen) this.#client.destroy();
  }

  async #run(attempt: string, doubt: string, script: string, given: string[]): Promise<unknown> {
    const { keys, shownUrl } = this.#place;
    const reply = await this.#send(attempt, doubt, ["EVAL", script, String(keys.length), ...keys, ...given]);
    if (reply !== dropped) return reply;
    throw new StorageError(
      `Cannot ${attempt} the Redis at "${shownUrl}": it has dropped what was stored, as "${keys[0]}" and "${keys[1]}" ` +
        'do not match; restore a copy of both, or delete both, and set "maxmemory-policy noeviction"',
    );
  }

  /** As one list: the client's methods pass on each argument as one of a function, and the stack has room for few. */
  async #send(attempt: string, doubt: string, command: string[]): Promise<unknown> {
    const { shownUrl, timeoutMs } = this.#place;
    try {
      // The client gives up by itself what it could not send within `timeoutMs`.
      return await withDeadline<unknown>(this.#client.sendCommand(command), 2 * timeoutMs);
    } catch (cause) {
      throw new StorageError(`Cannot ${attempt} the Redis at "${shownUrl}": ${problemOf(cause)}${doubt}`, { cause });
    }
  }
}

function listOf(reply: unknown): unknown[] {
  if (Array.isArray(reply)) return reply;
  throw new TypeError("the reply is not a list");
}

function toArgument(value: string | undefined): string {
  return value === undefined ? "-" : `=${value}`;
}
