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
  ["takes a lease", 1, "refresh true false\n"],
  ["encrypts", 2, "s3cret\n"],
  ["closes what it could not decrypt", 3, "wrong-key\n"],
  ["takes everything out, puts it in, and migrates it", 4, "1 out\n{ entries: 1 }\n2 { name: 'light' }\n"],
  ["is under a Keyv", 5, "{ b: 1 }\n"],
  ["makes a storage of an engine", 6, "[ 'value' ]\n"],
  ["runs the contract", 7, expect.stringMatching(/pass [1-9]\d+\n. fail 0\n. cancelled 0\n/)],
])("the README's example %s", async (_, index, output) => {
  const files = await temporaryFolder();
  const inFolder = (_quoted: string, name: string): string => JSON.stringify(join(files, name));
  const code = (examples[index] ?? "").replaceAll(/"(\w+\.(?:db|log|jsonl))"/g, inFolder);
  // The built package, by its name, as a user has it.
  const given = ["--input-type=module", "--disable-warning=ExperimentalWarning", "--eval", code];
  const { stdout, stderr } = spawnSync(process.execPath, given, { cwd: folder, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).toEqual(output);
});
