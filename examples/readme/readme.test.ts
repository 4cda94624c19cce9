import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { FakeHomeserver } from "@mx/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const packages = readdirSync(join(root, "packages"));
const readmes = [root, ...packages.map((name) => join(root, "packages", name))].map((folder) =>
  join(folder, "README.md"),
);

/** The programs in a README: a block of TypeScript that imports nothing goes on where the one before it ended. */
function examplesOf(readme: string): string[] {
  const programs: string[] = [];
  for (const [, block = ""] of readFileSync(readme, "utf8").matchAll(/^```ts\n(.*?)^```$/gms)) {
    if (/^import /m.test(block) || programs.length === 0) programs.push(block);
    else programs.push(`${programs.pop()}\n${block}`);
  }
  return programs;
}

// Inside this folder, whose dependencies the examples may import.
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(here, ".examples-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

it("every README has examples, and they compile", () => {
  for (const readme of readmes) {
    const name = relative(root, readme).replaceAll("/", "-");
    const examples = examplesOf(readme);
    expect(examples, readme).not.toEqual([]);
    for (const [index, code] of examples.entries()) {
      writeFileSync(join(folder, `${name}-${index}.ts`), `${code}\nexport {};\n`);
    }
  }
  writeFileSync(join(folder, "first.ts"), untilItHasHeardItself(examplesOf(join(root, "README.md"))[0] ?? ""));
  const options = { rootDir: ".", outDir: "out", noEmit: false, sourceMap: false };
  const config = { extends: "../tsconfig.json", compilerOptions: options, include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
  expect(tsc.stdout).toBe("");
});

it("every link to a file in a document leads to one", () => {
  const documents = [...readmes, ...["ARCHITECTURE.md", "CONTRIBUTING.md"].map((name) => join(root, name))];
  const broken = documents.flatMap((document) =>
    [...readFileSync(document, "utf8").matchAll(/\]\((?!https?:)([^)#]+)/g)]
      .filter(([, path = ""]) => !existsSync(resolve(dirname(document), path)))
      .map(([, path]) => `${relative(root, document)}: ${path}`),
  );
  expect(broken).toEqual([]);
});

/** The first example syncs for ever, at example.org: this one does so at the homeserver that it is given, until it has heard itself. */
function untilItHasHeardItself(example: string): string {
  return example
    .replace('"example.org"', "process.argv[2]!")
    .replace('"alice.db"', "process.argv[3]!")
    .replace(
      "await client.sync()",
      `client.publisher.subscribe(EventReceived, ({ event }) => {
        if (event.content["body"] === "Hello") void client.close();
      });
      $&`,
    );
}

describe("the first example of the README", () => {
  it("is that of @mx/client, too", () => {
    expect(examplesOf(join(root, "packages/client/README.md"))[0]).toBe(examplesOf(join(root, "README.md"))[0]);
  });

  it("runs, with a homeserver in the place of example.org", async () => {
    await using homeserver = await FakeHomeserver.start();
    homeserver.register("alice", "secret");

    const args = [join(folder, "out/first.js"), homeserver.url, join(folder, "alice.db")];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (data: Buffer) => (said += data.toString()));
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(said).toContain("body: 'Hello'");
  });
});
