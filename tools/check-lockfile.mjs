// Fails when pnpm-lock.yaml lacks a binary of some platform. When a registry does not hold one of a tool's platform packages,
// pnpm leaves it out in silence, and the tool is missing for whoever clones on that platform.
import { readFileSync, readdirSync, existsSync } from "node:fs";

const root = new URL("../", import.meta.url);
const lockfile = readFileSync(new URL("pnpm-lock.yaml", root), "utf8");
const locked = new Set([...lockfile.matchAll(/^ {2}'?(@?[^@'\s]+@[^:'(\s]+)'?:$/gm)].map(([, id]) => id));

const missing = [];
let checked = 0;
const store = new URL("node_modules/.pnpm/", root);
for (const folder of readdirSync(store)) {
  const modules = new URL(`${folder}/node_modules/`, store);
  if (!existsSync(modules)) continue;
  for (const name of packageNames(modules)) {
    const manifest = new URL(`${name}/package.json`, modules);
    if (!existsSync(manifest)) continue;
    const { version, optionalDependencies = {} } = JSON.parse(readFileSync(manifest, "utf8"));
    for (const [dependency, range] of Object.entries(optionalDependencies)) {
      if (!/^\d/.test(range)) continue; // A range, not the pinned binary of this very release.
      checked++;
      if (!locked.has(`${dependency}@${range}`)) missing.push(`${dependency}@${range}, of ${name}@${version}`);
    }
  }
}

if (locked.size === 0 || checked === 0) throw new Error("Cannot check pnpm-lock.yaml: found nothing to compare in it");
if (missing.length > 0) {
  console.error(
    `pnpm-lock.yaml lacks ${missing.length} platform packages; pin a version whose binaries are all there:`,
  );
  for (const line of new Set(missing)) console.error(`  ${line}`);
  process.exit(1);
}
console.log(`pnpm-lock.yaml holds all ${checked} platform packages`);

function packageNames(modules) {
  return readdirSync(modules).flatMap((name) =>
    name.startsWith("@") ? readdirSync(new URL(`${name}/`, modules)).map((inner) => `${name}/${inner}`) : [name],
  );
}
