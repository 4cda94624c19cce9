// Runs a benchmark: `node bench/run.mjs pubsub --rounds 3`. Without a name it says which there are.
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = new URL("./", import.meta.url);
const [name, ...options] = process.argv.slice(2);

const names = readdirSync(here)
  .filter((file) => file.endsWith(".mjs") && file !== "run.mjs")
  .map((file) => file.slice(0, -".mjs".length));

if (name === undefined) {
  console.log(`Benchmarks: ${names.join(", ")}\nRun one: npm run bench -- ${names[0]}`);
} else if (!names.includes(name)) {
  console.error(`Cannot run "${name}": there are ${names.join(", ")}`);
  process.exitCode = 1;
} else {
  installPeers();
  const file = fileURLToPath(new URL(`${name}.mjs`, here));
  process.exitCode = spawnSync(process.execPath, [file, ...options], { stdio: "inherit" }).status ?? 1;
}

/** The libraries that ours are compared with: installed at the first run, and again when the lock has changed. */
function installPeers() {
  const lock = new URL("package-lock.json", here);
  const installedLock = new URL("node_modules/.installed-lock.json", here);
  if (read(installedLock) === read(lock)) return;
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: fileURLToPath(here),
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) process.exit(status ?? 1);
  copyFileSync(lock, installedLock);
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
