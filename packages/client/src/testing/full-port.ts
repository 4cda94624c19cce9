import { once } from "node:events";
import { connect } from "node:net";
import { Worker } from "node:worker_threads";

/** Listens, and then stops for good: the system takes as many connections as may wait for it, and leaves the next ones hanging. */
const program = `
  const { createServer } = require("node:net");
  const { parentPort } = require("node:worker_threads");
  const server = createServer();
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** A port to which nobody gets a connection: neither a refusal nor an answer comes from it. */
export async function openFullPort(): Promise<{ port: number; close(): Promise<void> }> {
  const worker = new Worker(program, { eval: true });
  const [port] = (await once(worker, "message")) as [number];
  const waiting = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  await once(waiting[0] ?? worker, "connect");
  return {
    port,
    async close() {
      for (const socket of waiting) socket.destroy();
      await worker.terminate();
    },
  };
}
