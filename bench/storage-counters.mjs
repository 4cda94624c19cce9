// Four processes add to counters in one storage, by transactions and under a lease, while random ones of them are killed and started
// again, and others stand still for longer than their lease lasts. The counts must be exact.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { countTogether } from "../packages/storage/src/testing/count-together.mjs";
import { toTable } from "./harness/table.mjs";
import { openers } from "./storage/openers.mjs";
import { canStartRedis, RedisServer } from "./storage/redis-servers.mjs";

const { values } = parseArgs({
  options: {
    increments: { type: "string", default: "2000" },
    kills: { type: "string", default: "50" },
    engine: { type: "string" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    check: { type: "boolean", default: false },
  },
});
const [increments, kills, seed] = ["increments", "kills", "seed"].map((name) => {
  const number = Number(values[name]);
  if (!Number.isSafeInteger(number)) throw new Error(`Cannot count: --${name} is "${values[name]}"`);
  return number;
});

const folder = mkdtempSync(join(tmpdir(), "mx-counters-"));
const engines = ["file", "sqlite", "redis"].filter((engine) => (values.engine ?? engine) === engine);
if (engines.length === 0) throw new Error(`Cannot count: no engine is called "${values.engine}"`);
console.log(`${process.version}, 4 processes, --seed ${seed}\n`);
const rows = [];
const skipped = [];
let failures = 0;
try {
  for (const engine of engines) {
    if (engine === "redis" && !canStartRedis) skipped.push('redis: there is no "redis-server"; install it');
    else rows.push(await count(engine));
  }
} finally {
  rmSync(folder, { recursive: true });
}
if (rows.length > 0) console.log(toTable(rows));
for (const what of skipped) console.log(`SKIPPED: ${what}`);
if (values.check && failures > 0) process.exitCode = 1;

async function count(engine) {
  const server = engine === "redis" ? await RedisServer.start(folder, "power-loss") : undefined;
  const before = performance.now();
  try {
    const place = server?.url ?? join(folder, engine);
    // One at a time has a file open.
    const shared = engine === "file" ? { given: { waitMs: Infinity }, incrementsPerOpening: 5 } : {};
    const open = () => openers[engine](place, shared.given);
    const task = { kind: engine, place, open, seed, ttlMs: 250, incrementsPerStall: 200, kills, increments, ...shared };
    const { byTransaction, underLease, kills: killed, problems } = await countTogether(task);
    failures += problems.length;
    for (const problem of problems) console.log(`${engine}: ${problem}`);
    return {
      engine,
      "by transaction": String(byTransaction),
      "under a lease": String(underLease),
      kills: String(killed),
      exact: problems.length === 0 ? "yes" : "NO",
      seconds: ((performance.now() - before) / 1000).toFixed(0),
    };
  } finally {
    await server?.kill();
  }
}
