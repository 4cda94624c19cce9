// Measures how much contestants get done that wait for a disk or a server, in one run.
//
// 1. Every contestant of a case has a process of its own, new in each round. They are all there at the same time, and run in
//    turns, so that each turn finds the same machine and the same disk; while one runs, the others wait.
// 2. What counts is the ratio to the raw contestant within a turn, and of these the median over all turns of all rounds. A
//    `sustained` case has work that is done once in many times: there it is the ratio of the sums over a round.
// 3. Time is that of the clock, as waiting for the disk is what it is about. CPU time is beside it; without that of a server.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { median } from "./table.mjs";

const turnMs = 120;
const turns = 6;

/**
 * Measures `cases`, and returns rows for `toTable`, and how many goals were missed. A case is
 * `{ name, raw, goals, contestants, size, sustained }`: each of `goals` says by name which part of what `raw` does in the same
 * time a contestant must do at least. A contestant is a function that sets up and resolves with `{ run, prepare, close, times }`:
 * `run(times)` does the thing that often, `size` of it each time (default: 1), after `prepare()`, which does not count; it is
 * told to run `times`, or else for as long as a turn is.
 *
 * `module` is the URL of a module that exports `contestantOf(caseName, contestant)`.
 */
export async function measureInTurns(module, cases, { rounds, onCase }) {
  const results = [];
  for (const one of cases) {
    onCase?.(one);
    results.push(summarize(one, await measure(module, one, rounds)));
  }
  return { rows: results.flatMap(({ rows }) => rows), missed: results.reduce((sum, { missed }) => sum + missed, 0) };
}

/** For each contestant a list of rounds, each a list of turns. */
async function measure(module, { name, contestants, size = 1 }, rounds) {
  const names = Object.keys(contestants);
  const measured = Object.fromEntries(names.map((contestant) => [contestant, []]));
  for (let round = 0; round < rounds; round++) {
    const running = [];
    try {
      for (const contestant of names) {
        const process = await Contestant.start(module, name, contestant);
        running.push({ contestant, process });
        measured[contestant].push([]);
      }
      for (let turn = 0; turn < turns; turn++) {
        for (let place = 0; place < names.length; place++) {
          const { contestant, process } = running[(round + turn + place) % names.length];
          const { times, ms, cpuMs } = await process.run();
          const count = times * size;
          measured[contestant][round].push({ us: (ms * 1000) / count, cpuUs: (cpuMs * 1000) / count });
        }
      }
    } finally {
      await Promise.all(running.map(({ process }) => process.end()));
    }
  }
  return measured;
}

const program = fileURLToPath(new URL("contestant.mjs", import.meta.url));

class Contestant {
  #process;

  static async start(module, name, contestant) {
    const started = new Contestant();
    started.#process = fork(program, [module, name, contestant, String(turnMs)], {
      execArgv: ["--no-warnings"],
    });
    await started.#answer(`Cannot set up "${contestant}" at "${name}"`);
    return started;
  }

  run() {
    this.#process.send("run");
    return this.#answer("Cannot measure");
  }

  async end() {
    if (this.#process.exitCode !== null) return;
    const exit = once(this.#process, "exit");
    this.#process.send("end");
    await exit;
  }

  async #answer(attempt) {
    const stop = new AbortController();
    const { signal } = stop;
    try {
      const [answer] = await Promise.race([
        once(this.#process, "message", { signal }),
        once(this.#process, "exit", { signal }).then(([code]) => {
          throw new Error(`${attempt}: its process has ended with ${code}`);
        }),
      ]);
      return answer;
    } finally {
      stop.abort();
    }
  }
}

function summarize({ name, raw, goals, sustained = false }, measured) {
  let missed = 0;
  const rows = Object.entries(measured).map(([contestant, rounds]) => {
    const ratioOf = (what) => {
      const pairs = rounds.flatMap((round, index) =>
        sustained
          ? [[total(measured[raw][index], what), total(round, what)]]
          : round.map((turn, place) => [measured[raw][index][place][what], turn[what]]),
      );
      return median(pairs.map(([ofRaw, own]) => ofRaw / own));
    };
    const typical = (what) =>
      sustained
        ? median(rounds.map((round) => total(round, what) / round.length))
        : median(rounds.flat().map((turn) => turn[what]));
    const ratio = ratioOf("us");
    const goal = goals[contestant];
    const isMet = goal === undefined || ratio >= goal;
    if (!isMet) missed++;
    return {
      case: name,
      "": contestant,
      "per second": toCount(1e6 / typical("us")),
      µs: toDigits(typical("us")),
      "CPU µs": toDigits(typical("cpuUs")),
      "of raw": ratio.toFixed(2),
      "of raw, by CPU": ratioOf("cpuUs").toFixed(2),
      goal: goal === undefined ? "" : `≥ ${goal}`,
      verdict: goal === undefined ? "" : isMet ? "ok" : "MISSED",
    };
  });
  return { rows, missed };
}

function total(turnsOfRound, what) {
  return turnsOfRound.reduce((sum, turn) => sum + turn[what], 0);
}

function toCount(number) {
  return number < 100 ? number.toFixed(1) : String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ",");
}

function toDigits(us) {
  return us < 10 ? us.toFixed(2) : us < 100 ? us.toFixed(1) : us.toFixed(0);
}
