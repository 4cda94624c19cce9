// Kills processes at random moments while they write to a storage, and looks at what is left: nothing that was acknowledged may be
// missing, no transaction may be there in part, and the storage must open.
import { createRequire } from "node:module";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { killRounds } from "../packages/storage/src/testing/kill-rounds.mjs";
import { toTable } from "./harness/table.mjs";
import { openers } from "./storage/openers.mjs";
import { canStartRedis, RedisServer } from "./storage/redis-servers.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "1000" },
    engine: { type: "string" },
    durability: { type: "string" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    folder: { type: "string", default: tmpdir() },
    check: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
if (!(rounds >= 1)) throw new Error(`Cannot kill anything: --rounds is "${values.rounds}"`);
if (!Number.isSafeInteger(seed)) throw new Error(`Cannot kill anything: --seed is "${values.seed}"`);

const runs = [
  { engine: "file", durability: "power-loss", killed: "the process", run: killLocal },
  { engine: "file", durability: "process", killed: "the process", run: killLocal },
  { engine: "sqlite", durability: "power-loss", killed: "the process", run: killLocal },
  { engine: "sqlite", durability: "process", killed: "the process", run: killLocal },
  { engine: "redis", durability: "power-loss", killed: "the process", run: killClient },
  { engine: "redis", durability: "power-loss", killed: "the server", run: killServer },
].filter(
  ({ engine, durability }) => (values.engine ?? engine) === engine && (values.durability ?? durability) === durability,
);
if (runs.length === 0) throw new Error("Cannot kill anything: no engine is called that, with that durability");

const folder = mkdtempSync(join(values.folder, "mx-kills-"));
console.log(`${process.version}, ${rounds} rounds each, --seed ${seed}, in ${folder}\n`);
const skipped = [];
const rows = [];
let failures = 0;
for (const each of runs) {
  if (each.engine === "redis" && !canStartRedis) {
    skipped.push(
      `redis, ${each.killed} killed: there is no "redis-server"; install it ("apt-get install redis-server")`,
    );
    continue;
  }
  const before = performance.now();
  const place = join(folder, `${rows.length}`);
  mkdirSync(place);
  const results = await each.run(place, each);
  failures += results.problems.length;
  for (const problem of results.problems) console.log(`${each.engine} ${each.durability}, ${problem}`);
  rows.push({
    engine: each.engine,
    durability: each.durability,
    killed: each.killed,
    rounds: String(results.rounds),
    acknowledged: String(results.acknowledged),
    "in flight, made": String(results.made),
    "acknowledged lost": String(results.lost),
    torn: String(results.torn),
    unreadable: String(results.unreadable),
    "files left": results.files ?? "",
    minutes: ((performance.now() - before) / 60_000).toFixed(1),
  });
}
if (rows.length > 0) console.log(toTable(rows));
for (const what of skipped) console.log(`SKIPPED: ${what}`);
if (failures > 0) {
  console.log(`\nSomething was lost: see above, and what is left in ${folder}.`);
  if (values.check) process.exitCode = 1;
} else rmSync(folder, { recursive: true });

async function killLocal(place, { engine, durability }) {
  const path = join(place, "killed");
  const given = { durability };
  const open = () => openers[engine](path, given);
  const results = await killRounds({ kind: engine, place: path, given, open, rounds, seed, onRound });
  // What killed processes have left behind is removed sometime.
  return { ...results, files: String(readdirSync(dirname(path)).length) };
}

async function killClient(place, { engine, durability }) {
  const server = await RedisServer.start(place, durability);
  const watcher = await connect(server.url);
  try {
    const given = { durability };
    const open = () => openers[engine](server.url, given);
    const crash = async (writer) => {
      await writer.kill();
      // The server may still have something to read of what it sent.
      while ((await clientsOf(watcher)) > 1);
    };
    return await killRounds({ kind: engine, place: server.url, given, open, rounds, seed, crash, onRound });
  } finally {
    watcher.destroy();
    await server.kill();
  }
}

/** The process is killed, too, before the server is there again: it would go on. */
async function killServer(place, { engine, durability }) {
  // So that it is also killed while it rewrites its log.
  const server = await RedisServer.start(place, durability, ["--auto-aof-rewrite-min-size", "1mb"]);
  try {
    const given = { durability };
    const open = () => openers[engine](server.url, given);
    const crash = async (writer) => {
      await server.kill();
      await writer.kill();
      await server.startAgain();
    };
    return await killRounds({
      kind: engine,
      place: server.url,
      given,
      open,
      rounds,
      seed,
      crash,
      mayFail: true,
      onRound,
    });
  } finally {
    await server.kill();
  }
}

async function connect(url) {
  const require = createRequire(new URL("../packages/storage/package.json", import.meta.url));
  return require("@redis/client").createClient({ url }).connect();
}

async function clientsOf(watcher) {
  return (await watcher.sendCommand(["CLIENT", "LIST"])).trim().split("\n").length;
}

function onRound(results) {
  if (results.rounds % 100 === 0)
    process.stderr.write(`${results.rounds} kills, ${results.acknowledged} acknowledged\n`);
}
