// Checks the types and the lockfile while the tests run: each leaves the other time, waiting for disks and sockets. What the checks
// say is shown when they fail; the last line of a good run is the one that counts the tests.
import { spawn } from "node:child_process";
import { once } from "node:events";

const shell = process.platform === "win32";
const checks = spawn("turbo", ["run", "typecheck", "//#lockfile:check", "--output-logs=errors-only"], {
  shell,
  stdio: ["ignore", "pipe", "pipe"],
});
let said = "";
for (const stream of [checks.stdout, checks.stderr]) stream.on("data", (data) => (said += data));
const checked = once(checks, "close");

const tests = spawn("vitest", ["run", ...process.argv.slice(2)], { shell, stdio: "inherit" });
const [[checksStatus], [testsStatus]] = await Promise.all([checked, once(tests, "close")]);

if (checksStatus !== 0) console.error(`\n${said}\nThe checks of types and lockfile have failed: see above.`);
process.exit(checksStatus || testsStatus || 0);
