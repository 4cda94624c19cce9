import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sqliteStorage } from "@mx/storage/sqlite";
import { expect, it } from "vitest";
import { closing } from "./testing/closing.js";
import { devicesOf } from "./testing/devices-of.js";
import { openClient, startFake } from "./testing/homeservers.js";

const program = fileURLToPath(new URL("testing/dying-login.mjs", import.meta.url));

it("leaves one device behind, when a process is killed after it was logged in and before that is stored", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mx-login-"));
  closing({ close: () => rm(folder, { recursive: true }) });
  const file = join(folder, "alice.db");
  const fake = await startFake();
  const person = await fake.register("alice");
  const args = [program, fake.url, person.user, person.password, file];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), exited]);
  child.kill("SIGKILL");
  expect(await exited).toEqual([null, "SIGKILL"]);

  const client = await openClient(fake, { storage: () => sqliteStorage(file) });
  expect(await client.isLoggedIn()).toBe(false);
  // The lease of the dead process ends by itself.
  const { deviceId } = await client.login(person);
  expect(fake.requests.filter(({ method, path }) => method === "POST" && path.endsWith("/login"))).toHaveLength(2);
  expect(await devicesOf(client)).toEqual([deviceId]);
}, 30_000);
