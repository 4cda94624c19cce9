import type { Commit, StorageEngine, StorageGuarantees } from "../engine.js";
import { StorageError } from "../storage-error.js";
import { ChangeNotices } from "./change-notices.js";
import { argumentsOf, batchesOf } from "./commit-batches.js";
import type { RedisAddress } from "./redis-address.js";
import { commitScript, dropped, formatField, openScript, scanScript } from "./redis-scripts.js";
import { RedisLink, type RedisPackage, UnansweredError } from "./redis-link.js";
import { redisProblem } from "./redis-problem.js";

/** Where and how long to ask. */
export interface RedisPlace {
  readonly servers: readonly RedisAddress[];
  /** Which storage of the Redis. */
  readonly name: string;
  /** How long a command waits for a connection, and then again for its answer. */
  readonly timeoutMs: number;
}

/** The version of what is in Redis. */
const format = "1";

/** Values in a hash and keys in a sorted set, changed by scripts, which Redis runs one at a time. */
export class RedisEngine implements StorageEngine {
  guarantees: StorageGuarantees = { durability: "unknown", sharing: "machines" };
  readonly #link: RedisLink;
  readonly #notices: ChangeNotices;
  readonly #channel: string;
  /** The hash, the sorted set, and the format. */
  readonly #keys: readonly [values: string, keys: string, format: string];
  /** What Redis calls the scripts. */
  readonly #names = new Map<string, string>();

  constructor(redis: RedisPackage, { servers, name, timeoutMs }: RedisPlace) {
    const tag = `{${name}}`;
    this.#keys = [`${tag}:values`, `${tag}:keys`, `${tag}:format`];
    this.#channel = `${tag}:changes`;
    this.#notices = new ChangeNotices(timeoutMs);
    const [key] = this.#keys;
    this.#link = new RedisLink(redis, { servers, timeoutMs, key, channel: this.#channel, notices: this.#notices });
  }

  /** Connects, and makes the store if there is none. Rejects when it is none that this version can read. */
  async open(): Promise<void> {
    await Promise.all(
      [openScript, scanScript, commitScript].map(async (script) => {
        this.#names.set(script, String(await this.#send("open", ["SCRIPT", "LOAD", script])));
      }),
    );
    const found = await this.#run("open", openScript, [format]);
    if (found === format) return;
    throw new StorageError(
      `Cannot open the Redis at "${this.#link.shownServer}": the format of "${this.#keys[2]}" is "${String(found)}", ` +
        `and this version knows "${format}"; update @mx/storage`,
      { code: "newer-format" },
    );
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    if (keys.length === 0) return [];
    const [stored, ...values] = listOf(await this.#send("read from", ["HMGET", this.#keys[0], formatField, ...keys]));
    if (stored === null) throw this.#droppedError("read from");
    return values.map((value) => (typeof value === "string" ? value : undefined));
  }

  async scan(prefix: string, after: string, limit: number): Promise<(readonly [key: string, value: string])[]> {
    // `after` may be before all keys with the prefix; the script's upper end keeps to the prefix.
    const first = Buffer.compare(Buffer.from(after), Buffer.from(prefix)) < 0 ? `[${prefix}` : `(${after}`;
    const texts = listOf(await this.#run("read from", scanScript, [prefix, first, String(limit)]));
    const rows: [string, string][] = [];
    for (let index = 0; index < texts.length; index += 2) rows.push([String(texts[index]), String(texts[index + 1])]);
    return rows;
  }

  async commit(group: readonly Commit[]): Promise<boolean[]> {
    const areMade: boolean[] = [];
    const batches = batchesOf(group);
    for (const [index, { sizes, commits }] of batches.entries()) {
      // One after the other: a later one is not to be made when an earlier one is not.
      // oxlint-disable-next-line no-await-in-loop
      const replies = await this.#commit(commits, index > 0);
      for (const [position, size] of sizes.entries()) {
        for (let count = 0; count < size; count++) areMade.push(replies[position] === 1);
      }
    }
    return areMade;
  }

  takeChanges(): readonly string[] | "all" {
    return this.#notices.take();
  }

  async now(): Promise<number> {
    const [seconds, microseconds] = listOf(await this.#send("read from", ["TIME"]));
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  }

  /** What the server answers to `command`, or `undefined` when it refuses to. */
  async ask(command: string[]): Promise<unknown> {
    try {
      return await this.#link.send(command);
    } catch (error) {
      if (this.#link.isReply(error)) return undefined;
      throw this.#failure("open", error);
    }
  }

  async close(): Promise<void> {
    this.#link.close();
  }

  async #commit(commits: readonly Commit[], hasBegun: boolean): Promise<unknown[]> {
    const notice = this.#notices.make(commits);
    let reply: unknown;
    try {
      reply = await this.#call(commitScript, [this.#channel, notice.text, ...argumentsOf(commits)]);
    } catch (error) {
      const isUnknown = error instanceof UnansweredError;
      if (isUnknown) this.#notices.abandon(notice);
      throw this.#failure("write to", error, isUnknown || hasBegun ? "; it may have been written all the same" : "");
    }
    if (reply === dropped) throw this.#droppedError("write to");
    return listOf(reply);
  }

  async #run(attempt: string, script: string, given: string[]): Promise<unknown> {
    let reply: unknown;
    try {
      reply = await this.#call(script, given);
    } catch (error) {
      throw this.#failure(attempt, error);
    }
    if (reply === dropped) throw this.#droppedError(attempt);
    return reply;
  }

  /** Runs a script; sends its text only when the server has forgotten it, as it does when it is started again. */
  async #call(script: string, given: string[]): Promise<unknown> {
    const rest = [String(this.#keys.length), ...this.#keys, ...given];
    try {
      return await this.#link.send(["EVALSHA", this.#names.get(script) ?? "", ...rest]);
    } catch (error) {
      if (!this.#link.isReply(error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return this.#link.send(["EVAL", script, ...rest]);
    }
  }

  async #send(attempt: string, command: string[]): Promise<unknown> {
    try {
      return await this.#link.send(command);
    } catch (error) {
      throw this.#failure(attempt, error);
    }
  }

  #failure(attempt: string, error: unknown, doubt = ""): StorageError {
    const { text, code, cause } = redisProblem(error);
    return new StorageError(`Cannot ${attempt} the Redis at "${this.#link.shownServer}": ${text}${doubt}`, {
      code,
      cause,
    });
  }

  #droppedError(attempt: string): StorageError {
    const [values, keys, formatKey] = this.#keys;
    return new StorageError(
      `Cannot ${attempt} the Redis at "${this.#link.shownServer}": it has lost what was stored, as "${values}" and ` +
        `"${keys}" do not match; restore a copy of all, or delete them and "${formatKey}" and open the storage again; ` +
        'set "maxmemory-policy noeviction" and "appendonly yes" on the server',
      { code: "damaged" },
    );
  }
}

function listOf(reply: unknown): unknown[] {
  if (Array.isArray(reply)) return reply;
  throw new TypeError("the reply is not a list");
}
