// Four processes use one session together, each with requests of its own all the time, while random ones of them are killed and started
// again, and others stand still for longer than their lease lasts: nobody may be logged out, and each request must be answered.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { breakages } from "../packages/client/src/testing/broken-storage.mjs";
import { faults, shareSession } from "../packages/client/src/testing/share-session.mjs";
import { randomFrom } from "../packages/storage/src/testing/random.mjs";
import { toTable } from "./harness/table.mjs";
import { canStartRedis, RedisServer } from "./storage/redis-servers.mjs";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "600" },
    /** A fault befalls one of the processes about that often. */
    "seconds-per-fault": { type: "string", default: "15" },
    engine: { type: "string" },
    homeserver: { type: "string" },
    /** Makes the client wrong on purpose: the check must fail. */
    break: { type: "string" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    check: { type: "boolean", default: false },
  },
});
const [seconds, secondsPerFault, seed] = ["seconds", "seconds-per-fault", "seed"].map((name) => {
  const number = Number(values[name]);
  if (!(number >= 0)) throw new Error(`Cannot share a session: --${name} is "${values[name]}"`);
  return number;
});
const breakage = values.break;
if (breakage !== undefined && !Object.hasOwn(breakages, breakage)) {
  throw new Error(`Cannot break the client by "${breakage}": there are ${Object.keys(breakages).join(", ")}`);
}

const synapse = process.env.MX_SYNAPSE_URL;
const homeservers = [
  { name: "FakeHomeserver", lifeMs: 2000, pauseMs: 20, open: startFake },
  { name: "Synapse", lifeMs: 60_000, pauseMs: 100, open: () => ({ url: synapse, close() {} }) },
];
const engines = {
  sqlite: (folder) => ({ place: join(folder, "shared.db"), close() {} }),
  async redis(folder) {
    const server = await RedisServer.start(folder, "power-loss");
    return { place: server.url, close: () => server.kill() };
  },
};
const cases = homeservers.flatMap((homeserver) => Object.keys(engines).map((kind) => ({ homeserver, kind })));
const chosen = cases.filter(
  ({ homeserver, kind }) =>
    (values.homeserver ?? homeserver.name) === homeserver.name && (values.engine ?? kind) === kind,
);
if (chosen.length === 0) throw new Error("Cannot share a session: no such engine, or no such homeserver");

console.log(`${process.version}, 4 processes, --seconds ${seconds}, --seed ${seed}\n`);
const rows = [];
const skipped = [];
let failures = 0;
for (const { homeserver, kind } of chosen) {
  if (homeserver.name === "Synapse" && !synapse) skipped.push(`Synapse, ${kind}: name one in MX_SYNAPSE_URL`);
  else if (kind === "redis" && !canStartRedis) skipped.push(`${homeserver.name}, redis: install "redis-server"`);
  else rows.push(await share(homeserver, kind));
}
if (rows.length > 0) console.log(toTable(rows));
for (const what of skipped) console.log(`SKIPPED: ${what}`);
if (values.check && failures > 0) process.exitCode = 1;

async function share({ name, lifeMs, pauseMs, open }, kind) {
  const folder = mkdtempSync(join(tmpdir(), "mx-sessions-"));
  const homeserver = await open(lifeMs);
  const storage = await engines[kind](folder);
  try {
    const times = { ms: seconds * 1000, lifeMs, pauseMs };
    const where = { homeserver: homeserver.url, kind, place: storage.place };
    return toRow(name, kind, await shareSession({ ...where, ...times, seed, faults: someFaults(), breakage }));
  } finally {
    await storage.close();
    homeserver.close();
    rmSync(folder, { recursive: true });
  }
}

function toRow(name, kind, results) {
  const { answered, longestMs, ms, befallen, granted, repeated, refused, problems } = results;
  failures += problems.length;
  for (const problem of problems.slice(0, 20)) console.log(`${name}, ${kind}: ${problem}`);
  if (problems.length > 20) console.log(`${name}, ${kind}: and ${problems.length - 20} more`);
  const count = (does) => String(befallen.filter((fault) => fault.startsWith(does)).length);
  return {
    homeserver: name,
    engine: kind,
    seconds: (ms / 1000).toFixed(0),
    answered: String(answered),
    "longest s": (longestMs / 1000).toFixed(1),
    kills: count("kill"),
    stalls: count("stall"),
    refreshes: String(granted),
    "made twice": String(repeated),
    refused: String(refused),
    problems: String(problems.length),
  };
}

/** All kinds of faults, in an order of chance, again and again. */
function someFaults() {
  const random = randomFrom(seed);
  const some = [];
  while (some.length * secondsPerFault < seconds) {
    const rest = [...faults];
    while (rest.length > 0) some.push(...rest.splice(Math.floor(random() * rest.length), 1));
  }
  return some.slice(0, Math.floor(seconds / secondsPerFault));
}

async function startFake(lifeMs) {
  const program = fileURLToPath(new URL("sessions/homeserver-process.mjs", import.meta.url));
  const started = fork(program, [String(lifeMs)]);
  const [url] = await once(started, "message");
  return { url, close: () => started.disconnect() };
}
