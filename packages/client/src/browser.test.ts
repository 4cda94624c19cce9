import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { closing } from "./testing/closing.js";
import { startFake } from "./testing/homeservers.js";
import { startWire } from "./testing/wire.js";

const executablePath = process.env["MX_CHROMIUM"] ?? findChromium();
if (executablePath === undefined) {
  const message = "no Chromium was found: install one (Debian: chromium), or name it in MX_CHROMIUM";
  if (process.env["MX_REQUIRE_CHROMIUM"]) throw new Error(`Cannot test in a browser: ${message}`);
  console.warn(`SKIPPED: the browser test of @mx/client: ${message}.`);
}

function findChromium(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome"];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((program) => existsSync(program));
}

it.skipIf(executablePath === undefined)(
  "discovers, logs in, sends, receives and logs out in a page of a real browser",
  async () => {
    const [{ build }, { chromium }] = await Promise.all([import("esbuild"), import("playwright-core")]);
    const bundle = await build({
      entryPoints: [fileURLToPath(new URL("testing/page.ts", import.meta.url))],
      bundle: true,
      write: false,
      format: "esm",
      platform: "browser",
      target: "es2022",
    });
    const script = bundle.outputFiles[0]?.text ?? "";
    expect(script).not.toContain("node-fetch");
    // Another origin than the homeserver's, as a web client has.
    const site = closing(
      await startWire((request, response) => {
        if (request.url === "/page.js") response.setHeader("content-type", "text/javascript").end(script);
        else response.setHeader("content-type", "text/html").end('<script type="module" src="/page.js"></script>');
      }),
    );
    const fake = await startFake();
    const { user, userId, password } = await fake.register("alice");

    const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"];
    const browser = closing(await chromium.launch({ executablePath: executablePath ?? "", args }));
    const page = await browser.newPage();
    await page.goto(site.url);
    const result = await page.evaluate(
      ([url, name, secret]) =>
        (globalThis as unknown as { useClient(...values: string[]): unknown }).useClient(
          url ?? "",
          name ?? "",
          secret ?? "",
        ),
      [fake.url, user, password],
    );
    expect(result).toEqual({
      baseClientUrl: `${fake.url}/_matrix/client/`,
      userId,
      received: "Hello from a page",
      isStillLoggedIn: true,
      refusal: "NotLoggedInError",
    });
  },
  60_000,
);
