import { spawn } from "node:child_process";

/** Runs a program; resolves with what it prints, rejects with that when it fails. */
export async function run(command, args, { cwd, env = {} }) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data) => (stdout += data));
  child.stderr.on("data", (data) => (stderr += data));
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (code === 0) return stdout;
  throw new Error(`"${command} ${args.join(" ")}" ended with ${code}:\n${stdout}${stderr}`);
}
