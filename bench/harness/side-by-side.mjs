// Measures pieces of code side by side, in one run.
//
// 1. Every contestant of a case runs in a process of its own, new in each round: none warms up or spoils the engine for another.
// 2. Contestants take turns, in another order each round: whatever else the machine does meets all of them.
// 3. Time is CPU time of the process, so that waiting for a busy machine does not count.
// 4. A process reports its best batch, as disturbance only ever adds. What counts is the ratio within a round, and of these the
//    median over the rounds.
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median, toTable } from "./table.mjs";

const batches = 15;

/**
 * Runs the benchmark that calls it, whose `import.meta.url` is `url`. Prints a table, and with `--check` ends the process with an
 * error when a goal is missed.
 *
 * A case is `{ name, goal, ours, theirs, contestants }`: `ours` may take at most `goal` times as long as `theirs`; both are names
 * of `contestants`, each a function that sets up and returns `(times) => …`, which does the thing that often (it may be async),
 * and throws when it was not done. What takes long to warm up has longer batches than 40 ms.
 */
export async function compareSideBySide(url, cases, { batchMs = 40 } = {}) {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "7" },
      check: { type: "boolean", default: false },
      contestant: { type: "string" },
    },
  });
  if (values.contestant !== undefined) {
    const [caseName, contestant] = JSON.parse(values.contestant);
    const { contestants } = cases.find(({ name }) => name === caseName);
    console.log(await measureNs(await contestants[contestant](), batchMs));
    return;
  }
  const rounds = Number(values.rounds);
  if (!(rounds >= 1)) throw new Error(`Cannot measure: --rounds is "${values.rounds}"`);
  console.log(`${process.version}, ${cpus()[0]?.model} (${cpus().length} CPUs), ${rounds} rounds\n`);
  const results = cases.map((one) => summarize(one, race(url, one, rounds)));
  console.log(toTable(results.flatMap(({ rows }) => rows)));
  const missed = results.filter(({ isMet }) => !isMet).length;
  console.log(missed === 0 ? "\nAll goals are met." : `\nGoals missed: ${missed}.`);
  if (values.check && missed > 0) process.exitCode = 1;
}

/** The best batch, in nanoseconds for one time. */
async function measureNs(run, batchMs) {
  let times = 1;
  while ((await cpuMs(run, times)) < batchMs / 4) times *= 2;
  times *= 4;
  let bestMs = Infinity;
  for (let batch = 0; batch < batches; batch++) bestMs = Math.min(bestMs, await cpuMs(run, times));
  return (bestMs / times) * 1e6;
}

async function cpuMs(run, times) {
  const before = process.cpuUsage();
  await run(times);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Nanoseconds by contestant, one for each round. */
function race(url, { name, contestants }, rounds) {
  const names = Object.keys(contestants);
  const ns = Object.fromEntries(names.map((contestant) => [contestant, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const contestant = names[(round + turn) % names.length];
      const argument = JSON.stringify([name, contestant]);
      const child = spawnSync(process.execPath, [fileURLToPath(url), "--contestant", argument], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      });
      if (child.status !== 0) throw new Error(`Cannot measure "${contestant}" at "${name}": it failed`);
      ns[contestant].push(Number(child.stdout));
    }
  }
  return ns;
}

function summarize({ name, goal, ours, theirs }, ns) {
  let isMet = true;
  const rows = Object.entries(ns).map(([contestant, rounds]) => {
    const ratio = median(rounds.map((each, round) => each / ns[theirs][round]));
    const bestRatio = Math.min(...rounds) / Math.min(...ns[theirs]);
    const isOurs = contestant === ours;
    if (isOurs) isMet = ratio <= goal;
    return {
      case: name,
      "": contestant,
      "median ns": toDigits(median(rounds)),
      "best ns": toDigits(Math.min(...rounds)),
      ratio: ratio.toFixed(2),
      "ratio of bests": bestRatio.toFixed(2),
      goal: isOurs ? `≤ ${goal}` : "",
      verdict: isOurs ? (isMet ? "met" : "MISSED") : "",
    };
  });
  return { rows, isMet };
}

function toDigits(ns) {
  return ns < 100 ? ns.toFixed(1) : ns.toFixed(0);
}
