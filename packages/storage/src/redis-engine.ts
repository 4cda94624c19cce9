import type { RedisClientType } from "@redis/client";
import { withDeadline } from "./deadline.js";
import type { Commit, StorageEngine } from "./engine.js";
import { problemOf } from "./problem.js";
import { commitScript, scanScript } from "./redis-scripts.js";
import { StorageError } from "./storage-error.js";

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
    const values = await this.#ask("read from", "", () => this.#client.hmGet(hash, [...keys]));
    return values.map((value) => value ?? undefined);
  }

  async scan(prefix: string, after: string, limit: number): Promise<(readonly [key: string, value: string])[]> {
    // `after` may be before all keys with the prefix; the script's upper end keeps to the prefix.
    const first = Buffer.compare(Buffer.from(after), Buffer.from(prefix)) < 0 ? `[${prefix}` : `(${after}`;
    const reply = await this.#run("read from", "", scanScript, [prefix, first, String(limit)]);
    if (!Array.isArray(reply)) throw new TypeError("the reply is not a list");
    const rows: [string, string][] = [];
    for (let index = 0; index < reply.length; index += 2) rows.push([String(reply[index]), String(reply[index + 1])]);
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

  #run(attempt: string, doubt: string, script: string, given: string[]): Promise<unknown> {
    return this.#ask(attempt, doubt, () => this.#client.eval(script, { keys: this.#place.keys, arguments: given }));
  }

  async #ask<Reply>(attempt: string, doubt: string, command: () => Promise<Reply>): Promise<Reply> {
    const { shownUrl, timeoutMs } = this.#place;
    try {
      // The client gives up by itself what it could not send within `timeoutMs`.
      return await withDeadline(command(), 2 * timeoutMs);
    } catch (cause) {
      throw new StorageError(`Cannot ${attempt} the Redis at "${shownUrl}": ${problemOf(cause)}${doubt}`, { cause });
    }
  }
}

function toArgument(value: string | undefined): string {
  return value === undefined ? "-" : `=${value}`;
}
