// Releases all packages to a registry on loopback as a maintainer would, installs them elsewhere as a user would, and runs them:
//
//   node tools/release-check/release-check.mjs [--node /path/to/another/node]... [--runtime "/path/to/deno run -A"]...
//
// What is checked is the last commit. Prints "N passed, N failed, N skipped" at the end.
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startRegistry } from "./registry.mjs";
import { run } from "./run.mjs";

/** @type {{ type: "string", multiple: true }} */
const several = { type: "string", multiple: true };
const { node: otherNodes = [], runtime: runtimes = [] } = parseArgs({
  options: { node: several, runtime: several },
}).values;
const nodes = [process.execPath, ...otherNodes];
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const packages = ["pubsub", "storage", "testing", "client"];

const folder = await mkdtemp(join(tmpdir(), "mx-release-"));
const repo = join(folder, "repo");
const consumer = join(folder, "consumer");
let passed = 0;
let registry;
try {
  await check("a registry starts on loopback", async () => {
    registry = await startRegistry(join(folder, "registry"));
  });
  await check("a clone installs", async () => {
    await run("git", ["clone", "--quiet", root, repo], { cwd: folder });
    await run("git", ["config", "user.name", "release check"], { cwd: repo });
    await run("git", ["config", "user.email", "release-check@localhost"], { cwd: repo });
    await pnpm("install", "--frozen-lockfile");
    await leaveBehind();
  });
  await check("changesets release all packages", async () => {
    await release("minor", packages);
  });
  await check("what was published holds what it should, and nothing of the workspace", checkPublished);
  await check("a folder elsewhere installs @mx/client with what it needs, and nothing more", async () => {
    await mkdir(consumer);
    await writeFile(join(consumer, "package.json"), '{ "private": true, "type": "module" }');
    await npm("install", "@mx/client");
    const installed = await readdir(join(consumer, "node_modules/@mx"));
    expectSame(installed.toSorted(), ["client", "pubsub", "storage"]);
  });
  await check("it installs the others and a driver", () =>
    npm("install", "@mx/pubsub", "@mx/storage", "@mx/testing", "libsql"),
  );
  await check("its types hold in a strict project", async () => {
    await npm("install", "typescript@5", "@types/node@20");
    await copyFile(join(here, "consumer.ts"), join(consumer, "consumer.ts"));
    const strict = [
      "--strict",
      "--noEmit",
      "--skipLibCheck",
      "false",
      "--target",
      "es2022",
      "--lib",
      "es2022,esnext.disposable",
    ];
    await run("npx", ["tsc", ...strict, "--module", "nodenext", "--types", "node", "consumer.ts"], { cwd: consumer });
  });
  for (const node of nodes) await runConsumer(node);
  for (const runtime of runtimes) await runPortable(runtime);
  await check("a patch of one package is published alone", async () => {
    const before = await versions();
    await release("patch", ["pubsub"]);
    const after = await versions();
    expectSame(after.storage, before.storage);
    if (after.pubsub === before.pubsub) throw new Error(`@mx/pubsub is still ${after.pubsub}`);
  });
  await check("npm update picks it up", async () => {
    await npm("update");
    const manifest = JSON.parse(await readFile(join(consumer, "node_modules/@mx/pubsub/package.json"), "utf8"));
    expectSame(manifest.version, (await versions()).pubsub);
  });
  await runConsumer(process.execPath);
} catch (error) {
  console.error(error);
  console.log(`\n${passed} passed, 1 failed, 0 skipped`);
  process.exitCode = 1;
} finally {
  registry?.stop();
  await rm(folder, { recursive: true, force: true });
}
if (!process.exitCode) console.log(`\n${passed} passed, 0 failed, 0 skipped`);

async function check(what, work) {
  const startedAt = Date.now();
  await work();
  passed++;
  console.log(`✓ ${what} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
}

/** Leaves in each dist what a source that is gone has left there, to see that it is not published. */
async function leaveBehind() {
  for (const name of packages) {
    const dist = join(repo, "packages", name, "dist");
    await mkdir(dist);
    await writeFile(join(dist, "gone.js"), "export {};\n");
  }
}

/** Versions and publishes the packages that a changeset names, and whatever depends on them. */
async function release(bump, names) {
  const lines = names.map((name) => `"@mx/${name}": ${bump}`);
  await writeFile(join(repo, ".changeset/release-check.md"), `---\n${lines.join("\n")}\n---\n\nA release to check.\n`);
  await pnpm("run", "release:version");
  await pnpm("install", "--no-frozen-lockfile");
  await run("git", ["commit", "--quiet", "--all", "--message", "Release"], { cwd: repo });
  await pnpm("run", "release:publish");
}

async function checkPublished() {
  for (const name of packages) {
    const packed = join(folder, "packed", name);
    await mkdir(packed, { recursive: true });
    const [{ filename, files }] = JSON.parse(
      await run("npm", ["pack", `@mx/${name}`, "--json"], { cwd: packed, env: registry.env }),
    );
    const paths = files.map(({ path }) => path);
    for (const needed of ["package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"]) {
      if (!paths.includes(needed)) throw new Error(`@mx/${name} lacks ${needed}`);
    }
    const alien = paths.filter((path) => /\.test\.|^src\/testing\/|tsbuildinfo|node_modules|tsconfig/.test(path));
    if (alien.length > 0) throw new Error(`@mx/${name} holds ${alien.join(", ")}`);
    const sources = new Set(paths.map((path) => path.replace(/^src(\/.*)\.ts$/, "dist$1")));
    const stale = paths.filter(
      (path) => path.startsWith("dist/") && !sources.has(path.replace(/(\.d\.ts|\.js)(\.map)?$/, "")),
    );
    if (stale.length > 0) throw new Error(`@mx/${name} holds ${stale.join(", ")}, which have no source`);
    const manifest = await run("tar", ["-xzOf", filename, "package/package.json"], { cwd: packed });
    if (/workspace:|catalog:/.test(manifest)) throw new Error(`The manifest of @mx/${name} speaks of the workspace`);
    await pnpm("exec", "publint", "run", "--strict", join(packed, filename));
    await pnpm("exec", "attw", "--profile", "esm-only", join(packed, filename));
  }
}

async function runConsumer(node) {
  const version = (await run(node, ["--version"], { cwd: consumer })).trim();
  for (const program of ["consumer.mjs", "consumer.cjs"]) {
    await copyFile(join(here, program), join(consumer, program));
    await check(`${program} runs on Node ${version}`, () => run(node, [program], { cwd: consumer }));
  }
}

async function runPortable(runtime) {
  const [command, ...args] = runtime.split(" ");
  const version = (await run(command, ["--version"], { cwd: consumer })).split("\n")[0];
  await copyFile(join(here, "consumer.portable.mjs"), join(consumer, "consumer.portable.mjs"));
  await check(`consumer.portable.mjs runs on ${basename(command)} ${version}`, () =>
    run(command, [...args, "consumer.portable.mjs"], { cwd: consumer }),
  );
}

async function versions() {
  const entries = packages.map(async (name) => {
    const manifest = await readFile(join(repo, "packages", name, "package.json"), "utf8");
    return [name, JSON.parse(manifest).version];
  });
  return Object.fromEntries(await Promise.all(entries));
}

function pnpm(...args) {
  return run(process.execPath, [join(root, "tools/with-pnpm.mjs"), ...args], { cwd: repo, env: registry.env });
}

function npm(...args) {
  return run("npm", [...args, "--no-audit", "--no-fund"], { cwd: consumer, env: registry.env });
}

function expectSame(found, expected) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`Expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
  }
}
