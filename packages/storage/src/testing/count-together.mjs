import { randomFrom } from "./random.mjs";
import { WarmProcesses } from "./warm-processes.mjs";

/** What `storage-process.mjs` calls its counters, which are namespaces too. */
const counters = ["by transaction", "under a lease"];

/**
 * Lets processes add to counters together, by transactions and under a lease, while random ones of them are killed and
 * started again. Each counts its own additions as well, in the same transaction.
 */
export async function countTogether(options) {
  const { kind, place, given, open, seed, ttlMs, incrementsPerOpening = Infinity } = options;
  const { processes: count = 4, kills = 1, incrementsPerStall, increments } = options;
  const random = randomFrom(seed);
  const pool = new WarmProcesses(kind, { spares: count, count: count + kills });
  const slots = [];
  for (let slot = 0; slot < count; slot++) slots.push({ name: `process ${slot}`, kills: 0, acknowledged: newCounts() });
  let acknowledged = 0;
  let listener = () => {};
  const total = increments * counters.length;

  async function start(slot) {
    slot.process = await pool.take();
    const task = {
      does: "count",
      place,
      options: given,
      slot: slot.name,
      ttlMs,
      incrementsPerStall,
      incrementsPerOpening,
    };
    slot.process.start(task, (line, code) => {
      if (line === undefined) return listener(code);
      slot.acknowledged[line]++;
      acknowledged++;
      listener();
    });
  }

  /** Resolves when so many increments were acknowledged. */
  function reached(enough) {
    return new Promise((resolve, reject) => {
      listener = (code) => {
        if (typeof code === "number") reject(new Error(`a process has ended by itself, with ${code}`));
        else if (acknowledged >= enough) resolve();
      };
      listener();
    });
  }

  try {
    await Promise.all(slots.map(start));
    for (let kill = 0; kill < kills; kill++) {
      await reached(Math.ceil((total * (kill + random())) / (kills + 1)));
      const slot = slots[Math.floor(random() * count)];
      // What comes to an end from here on was asked for.
      listener = () => {};
      await slot.process.kill();
      slot.kills++;
      await start(slot);
    }
    await reached(total);
    listener = () => {};
    const ended = slots.map(async ({ process }) => {
      process.tell("stop");
      const [code] = await process.ended;
      if (code !== 0) throw new Error(`a process has ended with ${code}`);
    });
    await Promise.all(ended);
  } finally {
    await pool.close();
  }
  return compare(await read(open, slots), slots);
}

function newCounts() {
  return Object.fromEntries(counters.map((counter) => [counter, 0]));
}

async function read(open, slots) {
  const storage = await open();
  try {
    const keys = ["total", ...slots.map(({ name }) => name)];
    return await Promise.all(counters.map((counter) => storage.namespace(counter).getMany(keys)));
  } finally {
    await storage.close();
  }
}

/** The total is what all have added; nobody has added less than was acknowledged, or more than was in flight at its kills. */
function compare(found, slots) {
  const problems = [];
  const totals = counters.map((counter, index) => {
    const [total, ...parts] = found[index].map((value) => value ?? 0);
    const sum = parts.reduce((all, part) => all + part, 0);
    if (total !== sum) problems.push(`${counter}, the total is ${total}, and all have added ${sum}`);
    for (const [slot, { name, kills, acknowledged }] of slots.entries()) {
      const [part, least] = [parts[slot], acknowledged[counter]];
      if (part >= least && part <= least + kills) continue;
      problems.push(`${counter}, ${name} has added ${part}: ${least} acknowledged, ${kills} kills`);
    }
    return total;
  });
  const [byTransaction, underLease] = totals;
  return { byTransaction, underLease, kills: slots.reduce((all, slot) => all + slot.kills, 0), problems };
}
