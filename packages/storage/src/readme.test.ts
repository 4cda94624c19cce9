import { spawnSync } from "node:child_process";
import fs from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryFolder } from "./testing/temporary-folder.js";

const folder = fileURLToPath(new URL("..", import.meta.url));
const readme = await fs.readFile(join(folder, "README.md"), "utf8");
const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code ?? "");

test.each([
  ["stores, commits and lists", 0, "1 message 1 Hello\n"],
  ["makes a storage of an engine", 1, "[ 'value' ]\n"],
  ["runs the contract", 2, expect.stringMatching(/pass [1-9]\d+\n. fail 0\n/)],
])("the README's example %s", async (_, index, output) => {
  const path = join(await temporaryFolder(), "alice.db");
  const code = (examples[index] ?? "").replaceAll('"alice.db"', JSON.stringify(path));
  // The built package, by its name, as a user has it.
  const given = ["--input-type=module", "--disable-warning=ExperimentalWarning", "--eval", code];
  const { stdout, stderr } = spawnSync(process.execPath, given, { cwd: folder, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).toEqual(output);
});
