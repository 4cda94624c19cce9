// A process that uses a storage until it is killed or told to stop, on the built package: `node storage-process.mjs <kind>`. It says
// "ready" when it has loaded all that it needs, waits for a line with its task, and prints a line for each acknowledgement.
import { createInterface } from "node:readline";
import { setImmediate, setTimeout } from "node:timers/promises";
import { operationsOf, perform } from "./random-writes.mjs";

const [, , kind] = process.argv;
const open = await openerOf(kind);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

let increments = 0;

say("ready");
const { value: line, done } = await lines.next();
if (!done) await work(JSON.parse(line, (_, value) => (value === "Infinity" ? Infinity : value)));
process.exit();

async function openerOf(name) {
  const { fileStorage, sqliteStorage, redisStorage } = await import(`@mx/storage/${name}`);
  // The driver is loaded when a storage is opened; that has been done before the clock starts.
  if (name === "redis") await import("@redis/client");
  if (name === "sqlite" && process.getBuiltinModule("node:sqlite") === undefined) await import("libsql");
  return fileStorage ?? sqliteStorage ?? redisStorage;
}

function work(task) {
  return task.does === "write" ? write(task) : count(task);
}

async function write({ place, options, seed, step: firstStep, mayFail }) {
  try {
    const storage = await open(place, options);
    for (let step = firstStep; ; step++) {
      await Promise.all(
        operationsOf(seed, step).map(async (operation) => {
          await perform(storage, operation);
          say(operation.number);
        }),
      );
      // Where nothing waits for a disk or a server, it would never notice that nobody listens any more.
      await setImmediate();
    }
  } catch (error) {
    if (!mayFail) throw error;
    // The server was killed; this process is next.
    await new Promise(() => undefined);
  }
}

/** Adds 1 to two counters in turn, until it is told to stop: to one by transactions, to the other under a lease. */
async function count(task) {
  const stop = new AbortController();
  void lines.next().then(() => stop.abort());
  while (!stop.signal.aborted) {
    const storage = await open(task.place, task.options);
    for (let times = 0; times < task.incrementsPerOpening && !stop.signal.aborted; times++) {
      await incrementByTransaction(storage, task);
      say("by transaction");
      await incrementUnderLease(storage, task);
      say("under a lease");
      // Where nothing waits for a disk or a server, it would never be told to stop.
      await setImmediate();
    }
    await storage.close();
    // Whoever opens it again at once never lets the others have it.
    await setTimeout(5);
  }
}

/** Counts its own increments in the same transaction. */
async function incrementByTransaction(storage, { slot }) {
  const counter = storage.namespace("by transaction");
  await counter.transaction(async (transaction) => {
    transaction.set("total", Number(await transaction.get("total", 0)) + 1);
    transaction.set(slot, Number(await transaction.get(slot, 0)) + 1);
  });
}

/**
 * Reads before the transaction, so that nothing but the lease keeps two processes from writing the same total. Now and
 * then it does nothing at all for longer than the lease lasts: others take it meanwhile, and the transaction comes too late.
 */
async function incrementUnderLease(storage, { slot, ttlMs, incrementsPerStall }) {
  const counter = storage.namespace("under a lease");
  for (;;) {
    const lease = await storage.lease("counter", { waitMs: Infinity, ttlMs });
    try {
      const [total = 0, own = 0] = await counter.getMany(["total", slot]);
      if (++increments % incrementsPerStall === 0) stall(1.5 * ttlMs);
      await counter.transaction(
        (transaction) => {
          transaction.set("total", total + 1);
          transaction.set(slot, own + 1);
        },
        { lease },
      );
      return;
    } catch (error) {
      if (error.code !== "lease-lost") throw error;
    } finally {
      await lease.release();
    }
  }
}

/** The whole process stands still: the lease is not renewed either. */
function stall(stallMs) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs);
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
