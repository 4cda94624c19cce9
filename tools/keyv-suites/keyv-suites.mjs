// Runs Keyv's own test suite on our storages, with Keyv 5 on this Node and with Keyv 6 on one that is new enough for it, and our
// own tests of the Keyv parts with Keyv 6; `npm test` runs those with Keyv 5. What is built is tested: run "npm test" first.
//
//   node tools/keyv-suites/keyv-suites.mjs [--node /path/to/another/node]...
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { node: otherNodes = [] } = parseArgs({ options: { node: { type: "string", multiple: true } } }).values;

const totals = { passed: 0, failed: 0, skipped: 0 };
const folder = await mkdtemp(join(tmpdir(), "mx-keyv-suites-"));
try {
  await installPackages();
  await runSuite("keyv", process.execPath);
  const newNode = [process.execPath, ...otherNodes].findLast(isNewEnoughForKeyv6);
  if (newNode === undefined) {
    console.log("\nSKIPPED: Keyv 6, which needs Node 22.19 or later; give one with --node");
    totals.skipped++;
  } else {
    await runSuite("keyv-6", newNode);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 ? 0 : 1;

/** The suite wants to compile SQLite, for adapters that are not tested here: no script may run. */
async function installPackages() {
  await writeFile(join(folder, "package.json"), "{}");
  const packages = ["@keyv/test-suite@2.1.2", "keyv@5.6.0", "keyv-6@npm:keyv@6.1.0"];
  const flags = ["--ignore-scripts", "--silent", "--no-audit", "--no-fund"];
  const { status } = spawnSync("npm", ["install", ...flags, "--prefix", folder, ...packages], {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error(`Cannot install ${packages.join(", ")}: npm ended with ${status}`);
}

function isNewEnoughForKeyv6(node) {
  const [major, minor] = spawnSync(node, ["-p", "process.versions.node"]).stdout.toString().split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 19);
}

async function runSuite(keyv, node) {
  const report = join(folder, `${keyv}.json`);
  const config = fileURLToPath(new URL("vitest.config.mjs", import.meta.url));
  // Vitest would leave a translation of its configuration behind, in this folder.
  const options = ["--config", config, "--configLoader", "runner"];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  console.log(`\n${keyv} on ${spawnSync(node, ["--version"]).stdout.toString()}`);
  const tests = spawn(node, [join(root, "node_modules/vitest/vitest.mjs"), "run", ...options, ...reporters], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, KEYV_SUITES_PACKAGES: folder, KEYV_SUITES_KEYV: keyv },
  });
  const [status] = await once(tests, "close");
  const failedBefore = totals.failed;
  for (const test of await readTests(report)) count(test);
  if (status !== 0 && totals.failed === failedBefore) totals.failed++;
}

async function readTests(report) {
  try {
    const { testResults } = JSON.parse(await readFile(report, "utf8"));
    return testResults.flatMap(({ assertionResults }) => assertionResults);
  } catch (error) {
    console.error(`Cannot read what the tests have found: ${error.message}`);
    return [];
  }
}

/** A test that has failed as expected is none that has passed. */
function count({ title, status }) {
  if (status === "failed") totals.failed++;
  else if (status === "passed" && !title.includes("(expected to fail: ")) totals.passed++;
  else totals.skipped++;
}
