// Runs pnpm where there may be only Node and npm: `node tools/with-pnpm.mjs run test:run`.
// The version is the one that "packageManager" in package.json pins; pnpm itself installs what the lockfile says first.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const { packageManager } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const startedByPnpm = process.env.npm_config_user_agent?.startsWith("pnpm/");
const [command, ...first] = startedByPnpm ? ["pnpm"] : ["npx", "--yes", packageManager];

const { status } = spawnSync(command, [...first, ...process.argv.slice(2)], {
  stdio: "inherit",
  shell: process.platform === "win32",
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1" },
});
process.exit(status ?? 1);
