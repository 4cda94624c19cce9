// What @mx/storage costs beside the drivers that are under it, and beside stores of Keyv.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measureInTurns } from "./harness/in-turns.mjs";
import { median, toTable } from "./harness/table.mjs";
import { canStartRedis, RedisServer } from "./storage/redis-servers.mjs";

const maxOpenMs = 1000;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    check: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    folder: { type: "string", default: tmpdir() },
    "compile-peers": { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
if (!(rounds >= 1)) throw new Error(`Cannot measure: --rounds is "${values.rounds}"`);

const skipped = [];
if (values["compile-peers"]) compilePeers();
process.env.MX_BENCH_FOLDER = mkdtempSync(join(values.folder, "mx-bench-"));
const servers = await startServers();
try {
  await measureAll();
} finally {
  await Promise.all(servers.map((server) => server.kill()));
  rmSync(process.env.MX_BENCH_FOLDER, { recursive: true, force: true });
}

async function measureAll() {
  // Only now: they look at what there is.
  const { cases } = await import("./storage/cases.mjs");
  const { missingKeyvSqlite } = await import("./storage/peer-stores.mjs");
  if (missingKeyvSqlite !== undefined) skip(`the rows of @keyv/sqlite: ${missingKeyvSqlite}`);
  console.log(
    `${process.version}, ${cpus()[0]?.model} (${cpus().length} CPUs), ${rounds} rounds, in ${values.folder}\n`,
  );

  const available = cases.map((one) => withoutMissing(one, missingKeyvSqlite)).filter(({ name }) => isWanted(name));
  const module = new URL("storage/cases.mjs", import.meta.url).href;
  const { rows, missed } = await measureInTurns(module, available, {
    rounds,
    onCase: ({ name }) => process.stderr.write(`${name} …\n`),
  });
  if (rows.length > 0) console.log(`${toTable(rows)}\n`);
  const opening = isWanted("open") ? measureOpening() : { rows: [], missed: 0 };
  if (opening.rows.length > 0) console.log(`${toTable(opening.rows)}\n`);

  for (const what of skipped) console.log(`SKIPPED: ${what}`);
  const allMissed = missed + opening.missed;
  console.log(allMissed === 0 ? "All goals are met." : `Goals missed: ${allMissed}.`);
  if (values.check && allMissed > 0) process.exitCode = 1;
}

function isWanted(name) {
  if (servers.length === 0 && name.includes("redis")) return false;
  return name.includes(values.only);
}

/** A case without the contestants that cannot run here. */
function withoutMissing(one, missingKeyvSqlite) {
  const contestants = Object.entries(one.contestants).filter(
    ([name]) =>
      !(name === "@keyv/sqlite" && missingKeyvSqlite !== undefined) &&
      !(name.includes("redis") && servers.length === 0),
  );
  return { ...one, contestants: Object.fromEntries(contestants) };
}

/** How long it takes to open a store of 100,000 keys, and what it takes of memory. */
function measureOpening() {
  const program = fileURLToPath(new URL("storage/open-large.mjs", import.meta.url));
  let missed = 0;
  const opened = ["file", "sqlite", "JSON.parse", "keyv-file"].map((store) => {
    process.stderr.write(`open 100,000 keys, ${store} …\n`);
    const given = ["--no-warnings", "--expose-gc", program, store];
    const path = runJson(given);
    const results = Array.from({ length: rounds }, () => runJson([...given, path]));
    const typical = (what) => median(results.map((result) => result[what]));
    const isOurs = store === "file" || store === "sqlite";
    const isMet = !isOurs || typical("openMs") < maxOpenMs;
    if (!isMet) missed++;
    return {
      "open 100,000 keys": isOurs ? `@mx/storage ${store}` : store,
      ms: typical("openMs").toFixed(0),
      goal: isOurs ? `< ${maxOpenMs}` : "",
      verdict: isOurs ? (isMet ? "ok" : "MISSED") : "",
      "MB on disk": typical("diskMB").toFixed(1),
      "MB of heap": typical("heapMB").toFixed(1),
      "MB of the process": typical("rssMB").toFixed(1),
    };
  });
  return { rows: opened, missed };
}

function runJson(given) {
  const { status, stdout } = spawnSync(process.execPath, given, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`Cannot measure: ${given.at(-1)} failed`);
  return JSON.parse(stdout);
}

async function startServers() {
  if (!canStartRedis) {
    skip(
      'the rows of Redis: there is no "redis-server"; install it ("apt-get install redis-server", "brew install redis")',
    );
    return [];
  }
  const folder = process.env.MX_BENCH_FOLDER;
  const durabilities = ["process", "power-loss"];
  const started = await Promise.all(durabilities.map((durability) => RedisServer.start(folder, durability)));
  const urls = durabilities.map((durability, index) => [durability, started[index].url]);
  process.env.MX_BENCH_REDIS = JSON.stringify(Object.fromEntries(urls));
  return started;
}

function skip(what) {
  skipped.push(what);
  console.log(`SKIPPED: ${what}\n`);
}

/** Installs what is compiled when it is installed, from its source: nothing but what the registry holds is downloaded. */
function compilePeers() {
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--build-from-source"], {
    cwd: fileURLToPath(new URL("compiled-peers/", import.meta.url)),
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) skip('the rows of @keyv/sqlite: "sqlite3" could not be compiled, see above');
}
