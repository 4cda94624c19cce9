import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs/promises";
import { basename, join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ContractFixture } from "../contract.js";
import { chance, timers } from "../env.js";
import { fileStorage } from "./file-storage.js";
import { checkKills } from "../testing/check-kills.js";
import { describeContract } from "../testing/describe-contract.js";
import { Writer } from "../testing/start-writer.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

async function temporaryPath(): Promise<string> {
  return join(await temporaryFolder(), "alice.mx");
}

async function makeStore(): Promise<ContractFixture> {
  const path = await temporaryPath();
  return { open: () => fileStorage(path), isDurable: true, isShared: false };
}

/** The changes of each line of a file. */
async function textOf(path: string): Promise<string[]> {
  const lines = (await fs.readFile(path, "utf8")).trimEnd().split("\n");
  return lines.map((line) => line.replace(/^[0-9a-f]{8} \d+ \d+ /, ""));
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("fileStorage", () => {
  describeContract(makeStore);

  test("keeps one readable line for each commit, for its owner only, in a folder that it makes (threat 24)", async () => {
    const folder = join(await temporaryFolder(), "new", "folder");
    const path = join(folder, "alice.mx");
    await using storage = await fileStorage(path);
    await storage.namespace("session").set("token", { bytes: Uint8Array.of(1) });
    await storage.set("b", [1, "2"]);
    await storage.delete("b");
    expect(await textOf(path)).toEqual([
      "@mx/storage 1",
      "snapshot",
      '"session/=token":{"bytes":{"$bytes":"AQ=="}}',
      '"=b":[1,"2"]',
      '-"=b"',
    ]);
    for (const name of await fs.readdir(folder)) {
      expect((await fs.stat(join(folder, name))).mode & 0o777).toBe(0o600);
    }
    expect((await fs.stat(folder)).mode & 0o777).toBe(0o700);
  });

  test("leaves nothing but its file when it is closed", async () => {
    const path = await temporaryPath();
    const storage = await fileStorage(path);
    await storage.set("a", 1);
    await storage.close();
    expect(await fs.readdir(join(path, ".."))).toEqual([basename(path)]);
  });

  test("writes what is committed at once as one line", async () => {
    const path = await temporaryPath();
    await using storage = await fileStorage(path);
    await Promise.all(Array.from({ length: 100 }, (_, index) => storage.set(`key ${index}`, index)));
    expect(await textOf(path)).toHaveLength(3);
  });

  test("writes nothing for what is there already", async () => {
    const path = await temporaryPath();
    await using storage = await fileStorage(path);
    await storage.set("a", { b: 1 });
    const before = await textOf(path);
    await storage.set("a", { b: 1 });
    await storage.namespace("empty").clear();
    expect(await storage.delete("c")).toBe(false);
    expect(await textOf(path)).toEqual(before);
  });

  test.each(["power-loss", "process"] as const)(
    "says that it guarantees durability %s when it does",
    async (durability) => {
      const path = await temporaryPath();
      await using storage = await fileStorage(path, { durability });
      expect(storage.guarantees).toEqual({ durability, sharing: "nobody" });
      await storage.set("a", 1);
      expect(await textOf(path)).toEqual([
        "@mx/storage 1",
        "snapshot",
        durability === "process" ? '~\t"=a":1' : '"=a":1',
      ]);
    },
  );

  test("waits for the disk by default, and for what it opens", async () => {
    await using storage = await fileStorage(await temporaryPath());
    expect(storage.guarantees.durability).toBe("power-loss");
  });

  test("is written anew, for its owner only, when most of it was overwritten, while commits go on (threat 24)", async () => {
    const path = await temporaryPath();
    const storage = await fileStorage(path, { durability: "process" });
    const value = "x".repeat(50_000);
    const { ino } = await fs.stat(path);
    let number = 0;
    while ((await fs.stat(path)).ino === ino) await storage.set(`key ${number % 3}`, value + ++number);
    const { mode, size } = await fs.stat(path);
    expect(mode & 0o777).toBe(0o600);
    expect(size).toBeLessThan((number - 10) * value.length);
    expect(number).toBeGreaterThan(20);
    await storage.set("last", number);
    await storage.close();
    expect(await fs.readdir(join(path, ".."))).toEqual([basename(path)]);
    await using after = await fileStorage(path);
    expect(await after.get("last")).toBe(number);
    for (const key of [number, number - 1, number - 2])
      expect(await after.get(`key ${(key - 1) % 3}`)).toBe(value + key);
  });

  test("leaves nothing beside it when it is closed while it is written anew", async () => {
    const path = await temporaryPath();
    const storage = await fileStorage(path, { durability: "process" });
    const isBegun = async (): Promise<boolean> =>
      (await fs.readdir(join(path, ".."))).some((name) => name.endsWith(".tmp"));
    const value = "x".repeat(500_000);
    for (let number = 0; !(await isBegun()); number++) await storage.set(`key ${number}`, value + number);
    await storage.close();
    expect(await fs.readdir(join(path, ".."))).toEqual([basename(path)]);
    await using after = await fileStorage(path);
    expect(await after.get("key 0")).toBe(`${value}0`);
  });

  test("writes to the file behind a symbolic link, and is open only once by either name", async () => {
    const path = await temporaryPath();
    const link = `${path}.link`;
    await (await fileStorage(path)).close();
    await fs.symlink(path, link);
    await using storage = await fileStorage(link);
    await storage.set("b", 2);
    expect((await fs.lstat(link)).isSymbolicLink()).toBe(true);
    expect(await textOf(path)).toContain('"=b":2');
    await expect(fileStorage(path)).rejects.toMatchObject({ name: "StorageError" });
  });

  test("makes the file that a symbolic link leads to, not one in the place of the link", async () => {
    const folder = await temporaryFolder();
    const link = join(folder, "link.json");
    await fs.symlink(join("not there", "yet.json"), link);
    await using storage = await fileStorage(link);
    await storage.set("a", 1);
    expect((await fs.lstat(link)).isSymbolicLink()).toBe(true);
    expect(await textOf(join(folder, "not there", "yet.json"))).toContain('"=a":1');
  });

  test("refuses a file that has another name, under which somebody else may have it open", async () => {
    const path = await temporaryPath();
    await (await fileStorage(path)).close();
    await fs.link(path, `${path}.link`);
    for (const name of [path, `${path}.link`]) {
      await expect(fileStorage(name)).rejects.toMatchObject({ message: expect.stringContaining("a hard link") });
    }
    await fs.rm(`${path}.link`);
    await (await fileStorage(path)).close();
  });

  test("refuses links that lead in a circle", async () => {
    const path = await temporaryPath();
    await fs.symlink(path, path);
    await expect(fileStorage(path)).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringContaining(`Cannot open "${path}": `),
    });
  });

  test("makes each new folder durable, and the one that it is in", async () => {
    const folder = await temporaryFolder();
    const open = vi.spyOn(fs, "open");
    await using storage = await fileStorage(join(folder, "new", "folder", "alice.mx"));
    const opened = open.mock.calls.map(([path]) => String(path));
    for (const made of ["", "new", join("new", "folder")]) expect(opened).toContain(join(folder, made));
    await storage.set("a", 1);
  });

  test("leaves alone the files beside it that others may have chosen", async () => {
    const path = await temporaryPath();
    await fs.writeFile(`${path}.new`, "mine");
    await using storage = await fileStorage(path);
    await storage.set("a", 1);
    expect(await fs.readFile(`${path}.new`, "utf8")).toBe("mine");
  });

  test.each(["", undefined, "a\0"])("refuses %j for a path", async (path) => {
    // @ts-expect-error: what a caller without types may do
    await expect(fileStorage(path)).rejects.toMatchObject({
      name: "TypeError",
      message: expect.stringContaining(`Cannot open ${JSON.stringify(path)}`),
    });
  });

  test("says what it needs when it is not allowed to write", async () => {
    vi.spyOn(fs, "open").mockRejectedValueOnce(
      Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" }),
    );
    await expect(fileStorage(await temporaryPath())).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringMatching(/permission denied; the file and its folder must be readable and writable/),
    });
  });

  test.each([
    ["durability", "none"],
    ["waitMs", -1],
    ["waitMs", Number.NaN],
    ["waitMs", "5"],
    ["signal", "stop"],
    ["repair", 1],
  ])("refuses %s %j", async (option, value) => {
    await expect(fileStorage(await temporaryPath(), { [option]: value })).rejects.toMatchObject({
      name: "TypeError",
      message: expect.stringContaining(`${option} ${typeof value === "string" ? JSON.stringify(value) : value}: give`),
    });
  });

  describe("refuses, and leaves as it is,", () => {
    test.each([
      ["an empty file", ""],
      ["JSON of something else", '{"name":"@mx/storage"}'],
      ["zeros", "\0".repeat(5000)],
      ["a file whose first part is incomplete", "@mx/storage 1\n"],
      ["what is not UTF-8", Buffer.of(0xff, 0x0a)],
    ])("%s", async (_, content) => {
      const path = await temporaryPath();
      await fs.writeFile(path, content);
      for (const repair of [false, true]) {
        await expect(fileStorage(path, { repair })).rejects.toMatchObject({
          name: "StorageError",
          code: "damaged",
          message: expect.stringMatching(/^Cannot open ".*alice\.mx": it .*; restore a copy of it, .*"repair: true"/),
        });
      }
      expect(await fs.readFile(path)).toEqual(Buffer.from(content));
      expect(await fs.readdir(join(path, ".."))).toEqual([basename(path)]);
    });

    test("a file of a later version", async () => {
      const path = await temporaryPath();
      await fs.writeFile(path, "@mx/storage 2\nsomething else");
      for (const repair of [false, true]) {
        await expect(fileStorage(path, { repair })).rejects.toMatchObject({
          name: "StorageError",
          code: "newer-format",
          message: expect.stringMatching(/its format is "2".* update @mx\/storage/),
        });
      }
      expect(await fs.readFile(path, "utf8")).toBe("@mx/storage 2\nsomething else");
    });

    test("a folder", async () => {
      const path = await temporaryPath();
      await fs.mkdir(path);
      await expect(fileStorage(path)).rejects.toMatchObject({
        name: "StorageError",
        code: "failed",
        message: expect.stringContaining(`Cannot open "${path}"`),
      });
    });
  });

  test("repairs a damaged file when it is asked to, and keeps it beside, for its owner only", async () => {
    const path = await temporaryPath();
    const storage = await fileStorage(path);
    for (const key of ["a", "b", "c"]) await storage.set(key, `value of ${key}`);
    await storage.close();
    const damaged = (await fs.readFile(path, "utf8")).replace("value of b", "value of d");
    // An earlier one is not overwritten.
    await fs.writeFile(`${path}.damaged`, "earlier");
    await fs.writeFile(path, damaged, { mode: 0o644 });
    const refused = await fileStorage(path).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "damaged", message: expect.stringContaining("line 4 is damaged") });
    expect(String(refused)).not.toContain("value of");
    await using repaired = await fileStorage(path, { repair: true });
    expect(await repaired.getMany(["a", "b", "c"])).toEqual(["value of a", undefined, "value of c"]);
    expect(await fs.readFile(`${path}.damaged`, "utf8")).toBe("earlier");
    expect(await fs.readFile(`${path}.damaged.2`, "utf8")).toBe(damaged);
    expect((await fs.stat(`${path}.damaged.2`)).mode & 0o777).toBe(0o600);
    expect((await fs.stat(path)).mode & 0o777).toBe(0o600);
  });

  test("cuts off what a crash has left of the last line", async () => {
    const path = await temporaryPath();
    const storage = await fileStorage(path);
    await storage.set("a", 1);
    const before = await fs.readFile(path);
    await storage.set("b", "x".repeat(100_000));
    await storage.close();
    await fs.truncate(path, before.length + 70_000);
    await using after = await fileStorage(path);
    expect(await fs.readFile(path)).toEqual(before);
    expect(await after.getMany(["a", "b"])).toEqual([1, undefined]);
  });

  describe("is open once at a time:", () => {
    test("refuses a second storage in the same process, until the first is closed", async () => {
      const path = await temporaryPath();
      const first = await fileStorage(path);
      await expect(fileStorage(path)).rejects.toMatchObject({
        name: "StorageError",
        code: "locked",
        message: expect.stringContaining(`Cannot open "${path}": this process has it open already`),
      });
      await first.set("a", 1);
      await first.close();
      await using second = await fileStorage(path);
      expect(await second.get("a")).toBe(1);
    });

    test("lets one of several that open at once have it", async () => {
      const path = await temporaryPath();
      const results = await Promise.allSettled(Array.from({ length: 5 }, () => fileStorage(path)));
      const opened = results.filter((result) => result.status === "fulfilled");
      expect(opened).toHaveLength(1);
      await opened[0]?.value.close();
    });

    test("refuses it to another process, until that is killed", async () => {
      const path = await temporaryPath();
      const writer = new Writer("file", path, "commit");
      await writer.commits(1);
      await expect(fileStorage(path)).rejects.toMatchObject({
        name: "StorageError",
        code: "locked",
        message: expect.stringMatching(/process "\d+" has it open/),
      });
      await writer.kill();
      const storage = await fileStorage(path);
      expect(await storage.get("key 0")).toBeGreaterThanOrEqual(1);
      await storage.close();
      // Nor is anything of that process left.
      expect(await fs.readdir(join(path, ".."))).toEqual([basename(path)]);
    });

    test("lets all who wait have it, one after the other", async () => {
      const path = await temporaryPath();
      let holders = 0;
      await Promise.all(
        Array.from({ length: 6 }, async (_, number) => {
          const storage = await fileStorage(path, { waitMs: Infinity, durability: "process" });
          expect(++holders).toBe(1);
          await storage.transaction(async (transaction) => {
            transaction.set("count", Number(await transaction.get("count", 0)) + 1);
          });
          await storage.set(`opener ${number}`, true);
          holders--;
          await storage.close();
        }),
      );
      await using storage = await fileStorage(path);
      expect(await storage.get("count")).toBe(6);
    });

    test("waits for another process until that is killed", async () => {
      const path = await temporaryPath();
      const writer = new Writer("file", path, "commit");
      await writer.commits(1);
      const waiting = fileStorage(path, { waitMs: 60_000 });
      await writer.kill();
      await using storage = await waiting;
      expect(await storage.get("key 0")).toBeGreaterThanOrEqual(1);
    });

    test("gives up waiting after waitMs, or when the signal aborts", async () => {
      const path = await temporaryPath();
      await using _ = await fileStorage(path);
      await expect(fileStorage(path, { waitMs: 20 })).rejects.toMatchObject({ name: "StorageError", code: "locked" });
      const reason = new Error("no more patience");
      const controller = new AbortController();
      const waiting = fileStorage(path, { waitMs: Infinity, signal: controller.signal });
      controller.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      await expect(fileStorage(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    test("tries again after different times, so that two who wait do not get in each other's way for ever", async () => {
      const path = await temporaryPath();
      await using _ = await fileStorage(path);
      const delays: number[] = [];
      const { setTimeout } = timers;
      vi.spyOn(timers, "setTimeout").mockImplementation((callback, delayMs) => {
        delays.push(delayMs);
        return setTimeout(callback, 0);
      });
      vi.spyOn(chance, "number").mockImplementation(() => (delays.length % 3) / 3);
      await expect(fileStorage(path, { waitMs: 200 })).rejects.toMatchObject({ code: "locked" });
      expect(new Set(delays).size).toBeGreaterThan(3);
      expect(Math.max(...delays)).toBeLessThanOrEqual(128);
    });

    test.runIf(process.platform === "linux")(
      "does not take another process for the one that had its number before",
      async () => {
        const path = await temporaryPath();
        await using storage = await fileStorage(path);
        const own = (await fs.readdir(join(path, ".."))).find((name) => name.includes(".lock."));
        const [start, ...scope] = own?.split(".").slice(-4) ?? [];
        await storage.close();
        const ended = spawn(process.execPath, ["--version"]);
        await once(ended, "close");
        for (const [owner, isRefused] of [
          // This process's number, and another start: it was somebody else.
          [[process.pid, Number(start) - 1, ...scope], false],
          // A process that has ended.
          [[ended.pid, start, ...scope], false],
          // Before the machine was last started.
          [[process.pid, start, scope[0], "another-boot", scope[2]], false],
          // In another container numbers mean something else: nobody can tell.
          [[ended.pid, start, 1, scope[1], scope[2]], true],
          // Nor on another machine, whatever it has booted.
          [[ended.pid, start, ...scope.slice(0, 2), "another-machine"], true],
          [[ended.pid, start, scope[0], "another-boot", "another-machine"], true],
          // Nor when it is not known what the numbers mean.
          [[ended.pid, "-", "-", "-", scope[2]], true],
          [[ended.pid], true],
        ] as const) {
          const lock = `${path}.lock.${owner.join(".")}`;
          await fs.writeFile(lock, "");
          const attempt = fileStorage(path).then((opened) => opened.close());
          if (isRefused)
            await expect(attempt).rejects.toMatchObject({ message: expect.stringContaining(basename(lock)) });
          else await attempt;
          await fs.rm(lock, { force: true });
        }
      },
    );
  });

  test("loses nothing that was acknowledged, and has all of a transaction or nothing, when it is killed", async () => {
    const path = await temporaryPath();
    await checkKills("file", path, () => fileStorage(path));
  }, 90_000);
});
