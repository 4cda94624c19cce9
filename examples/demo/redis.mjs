import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";

/** The Redis in REDIS_URL, or one started for the demo on loopback; `stop` ends what was started. */
export async function findRedis(folder) {
  if (process.env.REDIS_URL) return { url: process.env.REDIS_URL, stop() {} };
  if (spawnSync("redis-server", ["--version"]).error) {
    throw new Error("--storage redis needs a Redis: set REDIS_URL, or install redis-server");
  }
  const port = await freePort();
  const options = { dir: folder, port, bind: "127.0.0.1", save: "", appendonly: "no" };
  const server = spawn(
    "redis-server",
    Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]),
  );
  for await (const line of server.stdout) {
    if (String(line).includes("Ready to accept connections")) break;
  }
  server.stdout.resume();
  return { url: `redis://127.0.0.1:${port}`, stop: () => server.kill() };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
