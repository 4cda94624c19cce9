import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const canStartRedis = spawnSync("redis-server", ["--version"]).status === 0;

/** How Redis is set up for each durability. */
export const settings = {
  process: ["--appendonly", "no"],
  "power-loss": ["--appendonly", "yes", "--appendfsync", "always"],
};

const running = new Set();
// Also when this process ends before its time.
process.on("exit", () => running.forEach((server) => server.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** A Redis server on a free port of this machine, that keeps its files in a folder of its own in `folder`. */
export class RedisServer {
  #given;
  #process;
  url;

  static async start(folder, durability, more = []) {
    const server = new RedisServer();
    const port = await freePort();
    const place = ["--port", String(port), "--bind", "127.0.0.1", "--dir", mkdtempSync(join(folder, "redis-"))];
    server.url = `redis://127.0.0.1:${port}`;
    server.#given = [...place, "--save", "", ...settings[durability], ...more];
    await server.startAgain();
    return server;
  }

  /** After `kill`, with what is on the disk. */
  async startAgain() {
    const started = spawn("redis-server", this.#given, { stdio: ["ignore", "pipe", "inherit"] });
    this.#process = started;
    running.add(started);
    started.once("exit", () => running.delete(started));
    for await (const line of createInterface({ input: started.stdout })) {
      if (line.includes("Ready to accept connections")) break;
    }
    // What it says from here on is read by nobody, and must not fill the pipe.
    started.stdout.resume();
    if (started.exitCode !== null) throw new Error(`redis-server has ended with ${started.exitCode}`);
  }

  async kill() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exit;
  }
}

async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  return port;
}
