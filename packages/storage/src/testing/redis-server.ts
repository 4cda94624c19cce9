import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Whether tests may start servers of their own. */
export const canStartRedis: boolean = spawnSync("redis-server", ["--version"]).status === 0;

/** Whether there is a server at all, of our own or at `REDIS_URL`. */
export const canUseRedis: boolean = canStartRedis || process.env["REDIS_URL"] !== undefined;

if (!canStartRedis) {
  const advice =
    'Redis tests need a server of their own: install it ("apt-get install redis-server", "brew install redis"); ' +
    "or set REDIS_URL to one whose data they may overwrite, which is enough for most";
  if (!canUseRedis && process.env["MX_REQUIRE_REDIS"] === "1")
    throw new Error(`MX_REQUIRE_REDIS is set, and ${advice}`);
  process.stderr.write(`\nSKIPPED: ${advice}\n\n`);
}

/** What makes a server lose nothing that it has acknowledged. */
const lossless = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];

/** A Redis server on a free port of this machine's own, that loses nothing, unless its settings say otherwise. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #settings: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, settings: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#settings = settings;
  }

  /** `settings` are those of its command line: `["--requirepass", "secret"]`. */
  static async start(settings: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), await fs.mkdtemp(join(tmpdir(), "mx-redis-")), settings);
    await server.startAgain();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it at the same port, after `kill`. */
  async startAgain(): Promise<void> {
    const place = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#folder];
    const server = spawn("redis-server", [...place, ...lossless, ...this.#settings], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = server;
    for await (const line of createInterface({ input: server.stdout })) {
      if (line.includes("Ready to accept connections")) break;
    }
    // What it says from here on is read by nobody, and must not fill the pipe.
    server.stdout.resume();
    if (server.exitCode !== null) throw new Error(`redis-server has ended with ${server.exitCode}`);
  }

  async kill(): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    if (server === undefined) return;
    server.kill("SIGKILL");
    await once(server, "exit");
  }

  /** Leaves it running without an answer to anything. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  goOn(): void {
    this.#process?.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    await this.kill();
    await fs.rm(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  listener.close();
  if (address === null || typeof address === "string") throw new Error("there is no free port");
  return address.port;
}
