import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { faults, type Interceptor } from "@mx/testing";
import { expect, it } from "vitest";
import { startFake } from "./testing/homeservers.js";

const program = fileURLToPath(new URL("testing/flooded-process.mjs", import.meta.url));

const isLong = process.env["MX_FAULTS"] === "all";
if (!isLong) console.warn("SHORT: the gzip bomb has 100 MB; MX_FAULTS=all makes it 1 GB.");

interface Report {
  readonly outcomes: readonly { readonly name: string; readonly outcome: string; readonly ms: number }[];
  readonly maxRssBytes: number;
}

it("A homeserver that floods a client has a typed error told of it, and takes less than 200 MB of memory (threat 5)", async () => {
  const fake = await startFake();
  const { user, password } = await fake.register("alice");
  const floods: Record<string, Interceptor> = {
    endless: faults.endlessBody(),
    large: faults.largeBody(200_000_000),
    bomb: faults.gzipBomb(isLong ? 1_000_000_000 : 100_000_000),
    page: faults.largeErrorPage(50_000_000, 404),
  };
  let latest: Interceptor | undefined;
  for (const [name, flood] of Object.entries(floods)) {
    fake.intercept(`/_matrix/client/v3/${name}`, (...context) => {
      latest = flood;
      return flood(...context);
    });
  }
  fake.intercept("/_matrix/client/v3/sync", (...context) => latest?.(...context));

  const args = [program, fake.url, user, password, ...Object.keys(floods)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { outcomes, maxRssBytes } = JSON.parse(stdout) as Report;
  expect(outcomes).toHaveLength(8);
  for (const { name, outcome, ms } of outcomes) {
    const found = name.endsWith("page")
      ? "was 404 with no Matrix error"
      : "is larger than 33554432 bytes; set maxBodyBytes";
    expect({ name, outcome }).toEqual({ name, outcome: expect.stringContaining(`the answer ${found}`) as string });
    expect(outcome).toMatch(/^ConnectionError: Cannot GET v3\//);
    expect(ms).toBeLessThan(30_000);
  }
  expect(maxRssBytes).toBeLessThan(200_000_000);
}, 60_000);
