import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setImmediate } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { clock } from "../env.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { ChangesOfOthers } from "./changes-of-others.js";
import { sqliteStorage } from "./sqlite-storage.js";

function changesOf(readVersion: () => unknown): { changes: ChangesOfOthers; asked: () => number } {
  let asked = 0;
  const changes = new ChangesOfOthers(() => {
    asked++;
    return readVersion();
  });
  return { changes, asked: () => asked };
}

/** Lets the clock stand still. */
function stopClock(): { goOn(): void } {
  let nowMs = 1000;
  const spy = vi.spyOn(clock, "now").mockImplementation(() => nowMs);
  onTestFinished(() => spy.mockRestore());
  return { goOn: () => void nowMs++ };
}

describe("the changes of others", () => {
  test("are asked for once in a turn", async () => {
    stopClock();
    const { changes, asked } = changesOf(() => 1);
    expect(changes.take()).toBe("all");
    for (let times = 0; times < 10; times++) {
      expect(changes.take()).toEqual([]);
      await Promise.resolve();
    }
    expect(asked()).toBe(1);
    await setImmediate();
    expect(changes.take()).toEqual([]);
    expect(changes.take()).toEqual([]);
    expect(asked()).toBe(2);
  });

  test("are asked for again in a turn that is long", () => {
    const time = stopClock();
    let version = 1;
    const { changes, asked } = changesOf(() => version);
    changes.take();
    version = 2;
    time.goOn();
    expect(changes.take()).toBe("all");
    expect(changes.take()).toEqual([]);
    expect(asked()).toBe(2);
  });

  test("are asked for when another storage of the process has committed, and not for its own commits", () => {
    stopClock();
    const { changes, asked } = changesOf(() => 1);
    const other = changesOf(() => 1);
    changes.take();
    changes.noteOwnCommit();
    changes.take();
    expect(asked()).toBe(1);
    other.changes.noteOwnCommit();
    changes.take();
    changes.take();
    expect(asked()).toBe(2);
  });

  test("are everything when they cannot be asked for", () => {
    let fails = true;
    const { changes } = changesOf(() => {
      if (fails) throw new Error("as asked for");
      return 1;
    });
    expect(changes.take()).toBe("all");
    expect(changes.take()).toBe("all");
    fails = false;
    expect(changes.take()).toBe("all");
    expect(changes.take()).toEqual([]);
  });

  test("do not keep the process from ending, and cost nothing while nobody asks", async () => {
    const nextTick = vi.spyOn(process, "nextTick");
    onTestFinished(() => nextTick.mockRestore());
    const { changes } = changesOf(() => 1);
    changes.take();
    changes.take();
    const [first] = nextTick.mock.calls;
    await setImmediate();
    expect(nextTick.mock.calls.filter(([callback]) => callback === first?.[0])).toHaveLength(1);
  });
});

describe("a storage in SQLite that keeps values in memory", () => {
  test("sees at once what another storage of the process has committed", async () => {
    const path = join(await temporaryFolder(), "alice.db");
    await using storage = await sqliteStorage(path);
    await using other = await sqliteStorage(path);
    for (let value = 1; value < 50; value++) {
      await other.set("a", value);
      expect(await storage.get("a")).toBe(value);
      expect(await storage.get("a")).toBe(value);
      await storage.set("a", -value);
      expect(await other.get("a")).toBe(-value);
    }
  });

  /** Sets "a" to its argument, or to each line of its input, on which it says so. */
  const program = `
    const { sqliteStorage } = await import(process.argv[1]);
    const storage = await sqliteStorage(process.argv[2]);
    if (process.argv[3]) await storage.set("a", Number(process.argv[3]));
    else for await (const line of process.stdin) {
      await storage.set("a", Number(line));
      process.stdout.write(line);
    }
    await storage.close();
  `;
  const module = fileURLToPath(new URL("../../dist/sqlite/sqlite-storage.js", import.meta.url));

  test("sees what another process has committed and told it", async () => {
    const path = join(await temporaryFolder(), "alice.db");
    await using storage = await sqliteStorage(path);
    const given = ["--input-type=module", "-e", program, module, path];
    const other = spawn(process.execPath, given, { stdio: ["pipe", "pipe", "inherit"] });
    onTestFinished(() => void other.kill("SIGKILL"));
    for (let value = 1; value < 20; value++) {
      other.stdin.write(`${value}\n`);
      await once(other.stdout, "data");
      expect(await storage.get("a")).toBe(value);
      expect(await storage.get("a")).toBe(value);
    }
    other.stdin.end();
    await once(other, "close");
  });

  test("sees what another process has committed while it waited for that without a turn", async () => {
    const path = join(await temporaryFolder(), "alice.db");
    await using storage = await sqliteStorage(path);
    await storage.set("a", 0);
    expect(await storage.get("a")).toBe(0);
    execFileSync(process.execPath, ["--input-type=module", "-e", program, module, path, "1"], { stdio: "inherit" });
    expect(await storage.get("a")).toBe(1);
  });
});
