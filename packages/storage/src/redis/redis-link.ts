import type { ErrorReply, RedisClientType, RedisFunctions, RedisModules, RedisScripts } from "@redis/client";
import { withDeadline } from "../deadline.js";
import { clock } from "../env.js";
import { sleep } from "../sleep.js";
import type { ChangeNotices } from "./change-notices.js";
import { type RedisAddress, atAddress } from "./redis-address.js";

/*
 * One connection at a time to the server that has our keys:
 *
 * 1. It is made when a command needs it, and again by the next command after it was lost.
 * 2. It brings the notices of changes, too: the protocol is RESP 3, where a notice comes before the reply to whatever
 *    was asked after the change. A second connection would bring it at any time.
 * 3. In a cluster, it is to the node that has the slot of our keys: whoever else is asked answers `MOVED`. The client
 *    for clusters would connect to all nodes, and listen at any.
 * 4. What was sent on a connection that was lost may still be in the hands of the server, which must not do it after
 *    what is sent on the next one: a write that was given up would undo a later one. So the server closes the old
 *    connection before the new one is used.
 */

/** The package `@redis/client`. */
export type RedisPackage = typeof import("@redis/client");

/** What a link needs to know. */
export interface RedisLinkOptions {
  /** One server, or some nodes of a cluster. */
  readonly servers: readonly RedisAddress[];
  /** How long a command waits for a connection, and then again for its answer. */
  readonly timeoutMs: number;
  /** One of our keys: all are on the same server. */
  readonly key: string;
  /** Where the changes are told. */
  readonly channel: string;
  readonly notices: ChangeNotices;
}

/** A command was sent, and nobody knows what became of it. */
export class UnansweredError extends Error {
  override readonly name = "UnansweredError";
}

type Client = RedisClientType<RedisModules, RedisFunctions, RedisScripts, 3>;

interface Connection {
  readonly client: Client;
  readonly server: RedisAddress;
  hasSocket: boolean;
  /** What broke it. */
  problem?: unknown;
}

/** Which connection of which process a connection is for the server. */
interface ServerSide {
  readonly run: string;
  readonly id: string;
}

/** Redis does not take a command of more arguments. */
const maxArguments = 1024 * 1024;

/** How often a server may send us to another one while we connect. */
const maxMoves = 5;

/** The pauses between two attempts. */
const minPauseMs = 50;
const maxPauseMs = 500;

/** What a server answers that does not do anything yet, or not any more, as long as it says so. */
const notNow = /^(?:ASK|TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN|BUSY)\b/;

export class RedisLink {
  readonly #redis: RedisPackage;
  readonly #options: RedisLinkOptions;
  readonly #closing = new AbortController();
  /** The connection, or the attempt to get one. */
  #connection: Promise<Connection> | undefined;
  /** The same, as long as it is there. */
  #open: Connection | undefined;
  /** Where our keys are, as far as a cluster has told. */
  #movedTo: RedisAddress | undefined;
  #serverSide: ServerSide | undefined;
  #hasBeenOpen = false;
  #failures = 0;

  constructor(redis: RedisPackage, options: RedisLinkOptions) {
    this.#redis = redis;
    this.#options = options;
  }

  /** Where it is connected, or tries to be. */
  get shownServer(): string {
    return (this.#movedTo ?? this.#options.servers[0])?.shown ?? "";
  }

  /** Tells whether this is what the server has answered: then it has not done what it was asked to. */
  isReply(error: unknown): error is ErrorReply {
    return error instanceof this.#redis.ErrorReply;
  }

  /** Rejects with an `UnansweredError` when the command was sent, and with any other error when it was not carried out. */
  async send(command: string[]): Promise<unknown> {
    if (command.length > maxArguments) {
      throw new RangeError(`it has ${command.length} parts, and Redis takes ${maxArguments}; do it in several steps`);
    }
    const { timeoutMs, notices } = this.#options;
    const giveUpMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      const connection = this.#open ?? (await withDeadline(this.#connected(giveUpMs), timeoutMs));
      if (!connection.client.isReady) {
        this.#forget(connection);
        continue;
      }
      try {
        // As one list: the client's methods pass on each argument as one of a function, and the stack has room for few.
        const reply = await withDeadline<unknown>(connection.client.sendCommand(command), timeoutMs);
        notices.heardSomething();
        return reply;
      } catch (error) {
        if (!this.isReply(error)) throw this.#unanswered(connection, error);
        notices.heardSomething();
        const moved = movedTo(error, connection.server);
        if (clock.monotonicMs() >= giveUpMs || (moved === undefined && !notNow.test(error.message))) throw error;
        if (moved === undefined) await sleep(minPauseMs, this.#closing.signal);
        else this.#leave(connection, moved);
      }
    }
  }

  close(): void {
    this.#closing.abort();
    const connection = this.#open;
    if (connection === undefined) return;
    this.#forget(connection);
    destroy(connection);
  }

  #unanswered(connection: Connection, cause: unknown): UnansweredError {
    // Not even the pings are answered: it is as good as lost.
    if (this.#options.notices.silenceMs > 2 * this.#options.timeoutMs) this.#lose(connection, cause);
    const problem = connection.problem ?? cause;
    return new UnansweredError(problem instanceof Error ? problem.message : String(problem), { cause: problem });
  }

  async #connected(giveUpMs: number): Promise<Connection> {
    for (;;) {
      this.#connection ??= this.#connect();
      try {
        return await this.#connection;
      } catch (error) {
        // While it is being opened, the first failure is the answer.
        const isFinal = !this.#hasBeenOpen && !(this.isReply(error) && notNow.test(error.message));
        if (isFinal || this.#closing.signal.aborted || clock.monotonicMs() >= giveUpMs) throw error;
      }
    }
  }

  async #connect(): Promise<Connection> {
    try {
      const pauseMs = this.#failures === 0 ? 0 : Math.min(minPauseMs * 2 ** (this.#failures - 1), maxPauseMs);
      if (pauseMs > 0) await sleep(pauseMs, this.#closing.signal);
      const connection = await this.#connectToAny();
      this.#failures = 0;
      this.#hasBeenOpen = true;
      return connection;
    } catch (error) {
      this.#failures++;
      this.#connection = undefined;
      throw error;
    }
  }

  async #connectToAny(): Promise<Connection> {
    const { servers, timeoutMs } = this.#options;
    const candidates = this.#movedTo === undefined ? servers : [this.#movedTo, ...servers];
    let problem: unknown;
    for (const server of candidates) {
      this.#closing.signal.throwIfAborted();
      try {
        return await this.#connectTo(server, Math.ceil(timeoutMs / candidates.length), maxMoves);
      } catch (error) {
        problem = error;
      }
    }
    throw problem;
  }

  async #connectTo(server: RedisAddress, limitMs: number, moves: number): Promise<Connection> {
    const client = this.#makeClient(server, limitMs);
    const connection: Connection = { client, server, hasSocket: false };
    client.once("connect", () => (connection.hasSocket = true));
    // Whoever waits for a command gets its error; without a listener, one while nobody waits would end the process.
    client.on("error", (error: unknown) => this.#lose(connection, error));
    client.on("ping-interval", () => this.#options.notices.heardSomething());
    const closing = this.#closing.signal;
    const end = (): void => destroy(connection);
    closing.addEventListener("abort", end);
    try {
      await withDeadline(this.#prepare(client), limitMs);
    } catch (error) {
      destroy(connection);
      const moved = this.isReply(error) && moves > 0 ? movedTo(error, server) : undefined;
      if (moved !== undefined) return this.#connectTo(moved, limitMs, moves - 1);
      throw this.isReply(error) ? error : (connection.problem ?? error);
    } finally {
      closing.removeEventListener("abort", end);
    }
    if (closing.aborted) destroy(connection);
    closing.throwIfAborted();
    this.#open = connection;
    if (this.#options.servers.length > 1 || moves < maxMoves) this.#movedTo = server;
    this.#options.notices.startedListening();
    return connection;
  }

  #makeClient({ settings }: RedisAddress, limitMs: number): Client {
    const { timeoutMs } = this.#options;
    const { createClient } = this.#redis;
    return createClient({
      ...settings,
      RESP: 3,
      maintNotifications: "disabled",
      pingInterval: Math.ceil(timeoutMs / 3),
      socket: {
        ...settings.socket,
        connectTimeout: limitMs,
        socketTimeout: 2 * timeoutMs,
        reconnectStrategy: false,
      },
    });
  }

  async #prepare(client: Client): Promise<void> {
    const { key, channel, notices, servers } = this.#options;
    await client.connect();
    const [id, info] = await Promise.all([
      client.sendCommand<unknown>(["CLIENT", "ID"]),
      // Both may be forbidden.
      client.sendCommand<unknown>(["INFO", "server"]).catch(() => ""),
      client.subscribe(channel, (notice) => notices.hear(notice)),
      // Answers `MOVED` when the key is somewhere else.
      client.sendCommand(["EXISTS", key]),
      // Servers that do not belong together would each have a part of what is stored.
      servers.length > 1 ? client.sendCommand(["CLUSTER", "KEYSLOT", key]) : undefined,
    ]);
    const run = /^run_id:(\w+)/m.exec(String(info))?.[1] ?? "";
    await this.#endOld(client, run);
    this.#serverSide = { run, id: String(id) };
  }

  /** A server that has been started again gives the old number to somebody else. */
  async #endOld(client: Client, run: string): Promise<void> {
    const old = this.#serverSide;
    if (old === undefined || old.run === "" || old.run !== run) return;
    try {
      await client.sendCommand(["CLIENT", "KILL", "ID", old.id]);
    } catch (error) {
      // It is gone, or we may not do that: then the server had better be quick.
      if (!this.isReply(error)) throw error;
    }
  }

  #lose(connection: Connection, problem: unknown): void {
    connection.problem ??= problem;
    this.#forget(connection);
    // The client first tells whoever waits for a reply what has happened.
    void Promise.resolve().then(() => destroy(connection));
  }

  /** Goes to another server. What was sent to this one is answered yet. */
  #leave(connection: Connection, moved: RedisAddress): void {
    this.#movedTo = moved;
    this.#forget(connection);
    if (connection.client.isOpen) void connection.client.close();
  }

  #forget(connection: Connection): void {
    if (this.#open !== connection) return;
    this.#open = undefined;
    this.#connection = undefined;
    this.#options.notices.stoppedListening();
  }
}

/** Ends a connection, also one that is not there yet, which the client alone would let go on. */
function destroy({ client, hasSocket }: Connection): void {
  if (!hasSocket && client.isOpen) {
    client.unref();
    client.once("connect", () => client.destroy());
    return;
  }
  try {
    client.destroy();
  } catch {
    // It was closed already. What is left of it, as the timer of its pings, has been ended all the same.
  }
}

function movedTo({ message }: ErrorReply, from: RedisAddress): RedisAddress | undefined {
  const [, host, port] = /^MOVED \d+ (.*):(\d+)/.exec(message) ?? [];
  return host === undefined ? undefined : atAddress(from, host, Number(port));
}
