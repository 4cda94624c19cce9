import { setImmediate } from "node:timers/promises";
import { randomFrom } from "./random.mjs";
import { contentOf, operationsOf, outcomeOf } from "./random-writes.mjs";
import { WarmProcesses } from "./warm-processes.mjs";

/** So many problems are told in full. */
const maxProblems = 20;

/** One round in so many kills its process while it opens the storage. */
const roundsPerKillOfOpening = 12;

/**
 * Kills a process again and again, at a random moment while it writes to a storage, and looks each time at what is left:
 * whatever was acknowledged is there, and of each operation in flight all, or nothing.
 */
export async function killRounds(options) {
  const { kind, place, given, open, rounds, seed, spares = 3, crash = (process) => process.kill(), onRound } = options;
  const { mayFail = false } = options;
  const results = { rounds: 0, acknowledged: 0, made: 0, lost: 0, torn: 0, unreadable: 0, problems: [] };
  const processes = new WarmProcesses(kind, { spares: Math.min(spares, rounds), count: rounds });
  let content = new Map();
  let step = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      const random = randomFrom(seed, round);
      const process = await processes.take();
      const acknowledged = await runUntilKilled(
        process,
        { does: "write", place, options: given, seed, step, mayFail },
        random,
        crash,
      );
      results.rounds++;
      results.acknowledged += acknowledged.size;
      const found = await read(open);
      if (found.error !== undefined) {
        results.unreadable++;
        results.problems.push(`round ${round}: cannot be read: ${String(found.error?.stack ?? found.error)}`);
        break;
      }
      step = compare(`round ${round}`, { seed, step, acknowledged, content, found: found.content }, results);
      content = found.content;
      onRound?.(results);
    }
  } finally {
    await processes.close();
  }
  results.problems.splice(maxProblems);
  return results;
}

/** Resolves with the numbers of the operations that were acknowledged. */
async function runUntilKilled(process, task, random, crash) {
  const acknowledged = new Set();
  const killsOpening = random() * roundsPerKillOfOpening < 1;
  // Seldom many: what matters is the number of kills.
  const enough = 1 + Math.floor(random() ** 3 * 200);
  const delayMs = random() * (killsOpening ? 20 : 3);
  const ended = [];
  await new Promise((resolve) => {
    process.start(task, (line, code) => {
      if (line === undefined) {
        ended.push(code);
        resolve();
      } else {
        acknowledged.add(Number(line));
        if (acknowledged.size >= enough) resolve();
      }
    });
    if (killsOpening) resolve();
  });
  await busyFor(delayMs);
  if (ended.length > 0) throw new Error(`the process has ended by itself, with ${ended[0]}`);
  await crash(process);
  return acknowledged;
}

/** A timer would take whole milliseconds. */
async function busyFor(delayMs) {
  const end = performance.now() + delayMs;
  while (performance.now() < end) await setImmediate();
}

async function read(open) {
  try {
    const storage = await open();
    try {
      return { content: await contentOf(storage) };
    } finally {
      await storage.close();
    }
  } catch (error) {
    return { error };
  }
}

/** Compares what is `found` with what was there before and what happened since; returns the next step that nobody has begun. */
function compare(where, { seed, step: firstStep, acknowledged, content, found }, results) {
  const expected = new Map(content);
  const tell = (problem) => results.problems.push(`${where}: ${problem}`);
  for (let step = firstStep; ; step++) {
    const operations = operationsOf(seed, step);
    const inFlight = operations.filter(({ number }) => !acknowledged.has(number));
    for (const operation of operations) {
      if (!inFlight.includes(operation)) apply(expected, outcomeOf(operation));
    }
    if (inFlight.length === 0) continue;
    for (const operation of inFlight) {
      const outcome = outcomeOf(operation);
      const isMade = [...outcome].map(([id, sign]) => found.get(id) === sign);
      const isNotMade = [...outcome.keys()].map((id) => found.get(id) === expected.get(id));
      if (isNotMade.every(Boolean)) continue;
      if (isMade.every(Boolean)) results.made++;
      else if (isMade.every((isMadeHere, index) => isMadeHere || isNotMade[index])) {
        results.torn++;
        tell(`operation ${operation.number} is torn: ${describe(outcome, expected, found)}`);
      } else continue;
      for (const id of outcome.keys()) set(expected, id, found.get(id));
    }
    for (const id of new Set([...expected.keys(), ...found.keys()])) {
      if (expected.get(id) === found.get(id)) continue;
      results.lost++;
      tell(`${id} is ${found.get(id)} instead of ${expected.get(id)}`);
    }
    return step + 1;
  }
}

function apply(content, outcome) {
  for (const [id, sign] of outcome) set(content, id, sign);
}

function set(content, id, sign) {
  if (sign === undefined) content.delete(id);
  else content.set(id, sign);
}

function describe(outcome, before, found) {
  return [...outcome].map(([id, sign]) => `${id}: ${before.get(id)} -> ${sign}, found ${found.get(id)}`).join("; ");
}
