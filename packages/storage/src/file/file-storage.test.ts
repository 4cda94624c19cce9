import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs/promises";
import { basename, join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ContractFixture } from "../contract.js";
import { fileStorage } from "./file-storage.js";
import { checkKills } from "../testing/check-kills.js";
import { checkModel } from "../testing/check-model.js";
import { describeContract } from "../testing/describe-contract.js";
import { Writer } from "../testing/start-writer.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

async function temporaryPath(): Promise<string> {
  return join(await temporaryFolder(), "alice.json");
}

async function makeStore(): Promise<ContractFixture> {
  const path = await temporaryPath();
  return { open: () => fileStorage(path), isDurable: true, isShared: false };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("fileStorage", () => {
  describeContract(makeStore);

  test("does what a plain object does", () => checkModel(makeStore, 20));

  test("keeps one readable line for each value, for its owner only, in a folder that it makes", async () => {
    const folder = join(await temporaryFolder(), "new", "folder");
    const path = join(folder, "alice.json");
    await using storage = await fileStorage(path);
    await storage.namespace("session").set("token", { bytes: Uint8Array.of(1) });
    await storage.set("b", [1, "2"]);
    expect(await fs.readFile(path, "utf8")).toBe(
      '{"format":1,"values":{\n"=b":[1,"2"],\n"session/=token":{"bytes":{"$bytes":"AQ=="}}\n}}\n',
    );
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

  test("writes what is committed at once in one go", async () => {
    await using storage = await fileStorage(await temporaryPath());
    const rename = vi.spyOn(fs, "rename");
    await Promise.all(Array.from({ length: 100 }, (_, index) => storage.set(`key ${index}`, index)));
    expect(rename).toHaveBeenCalledTimes(1);
  });

  test("replaces the file behind a symbolic link, not the link", async () => {
    const path = await temporaryPath();
    const link = `${path}.link`;
    await fs.writeFile(path, '{"format":1,"values":{"=a":1}}');
    await fs.symlink(path, link);
    await using storage = await fileStorage(link);
    await storage.set("b", 2);
    expect((await fs.lstat(link)).isSymbolicLink()).toBe(true);
    expect(JSON.parse(await fs.readFile(path, "utf8"))).toEqual({ format: 1, values: { "=a": 1, "=b": 2 } });
    await expect(fileStorage(path)).rejects.toMatchObject({ name: "StorageError" });
  });

  test("makes the file that a symbolic link leads to, not one in the place of the link", async () => {
    const folder = await temporaryFolder();
    const link = join(folder, "link.json");
    await fs.symlink(join("not there", "yet.json"), link);
    await using storage = await fileStorage(link);
    await storage.set("a", 1);
    expect((await fs.lstat(link)).isSymbolicLink()).toBe(true);
    const content = await fs.readFile(join(folder, "not there", "yet.json"), "utf8");
    expect(JSON.parse(content)).toEqual({ format: 1, values: { "=a": 1 } });
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
    await using storage = await fileStorage(join(folder, "new", "folder", "alice.json"));
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

  describe("refuses, and leaves as it is,", () => {
    test.each([
      ["an empty file", ""],
      ["half a file", '{"format":1,"values":{\n"=a":{"b":'],
      ["JSON of something else", '{"name":"@mx/storage"}'],
      ["a list", "[]"],
      ["values that are none", '{"format":1,"values":null}'],
      [
        "what is not UTF-8",
        Buffer.concat([Buffer.from('{"format":1,"values":{"=a":"'), Buffer.of(0xff), Buffer.from('"}}')]),
      ],
    ])("%s", async (_, content) => {
      const path = await temporaryPath();
      await fs.writeFile(path, content);
      await expect(fileStorage(path)).rejects.toMatchObject({
        name: "StorageError",
        message: expect.stringContaining(`Cannot open "${path}": it is damaged, or not a storage`),
      });
      expect(await fs.readFile(path)).toEqual(Buffer.from(content));
      expect(await fs.readdir(join(path, ".."))).toEqual([basename(path)]);
    });

    test("a file of a later version", async () => {
      const path = await temporaryPath();
      await fs.writeFile(path, '{"format":2,"values":[]}');
      await expect(fileStorage(path)).rejects.toMatchObject({
        name: "StorageError",
        message: expect.stringMatching(/its format is "2".* update @mx\/storage/),
      });
      expect(await fs.readFile(path, "utf8")).toBe('{"format":2,"values":[]}');
    });

    test("a folder", async () => {
      const path = await temporaryPath();
      await fs.mkdir(path);
      await expect(fileStorage(path)).rejects.toMatchObject({
        name: "StorageError",
        message: expect.stringContaining(`Cannot open "${path}"`),
      });
    });
  });

  describe("when the disk fails", () => {
    const faults: [name: string, fail: () => void][] = [
      ["the new file cannot be made", () => vi.spyOn(fs, "open").mockRejectedValueOnce(new Error("ENOSPC"))],
      ["the new file cannot be written", () => failInFile("writeFile")],
      ["the new file cannot be made durable", () => failInFile("sync")],
      [
        "the new file cannot take the place of the old one",
        () => vi.spyOn(fs, "rename").mockRejectedValueOnce(new Error("EIO")),
      ],
      ["the folder cannot be made durable", () => failInFile("sync", 2)],
    ];

    test.each(faults)("because %s, rejects, and has what it had before", async (_, fail) => {
      const path = await temporaryPath();
      const storage = await fileStorage(path);
      await storage.set("a", "old");
      fail();
      // Both are written at once.
      for (const write of [storage.set("a", "new"), storage.set("b", "new")]) {
        await expect(write).rejects.toMatchObject({
          name: "StorageError",
          message: expect.stringMatching(/^Cannot write ".*alice\.json": .*; nothing was changed$/),
        });
      }
      expect((await fs.readdir(join(path, ".."))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
      expect(await storage.getMany(["a", "b"])).toEqual(["old", undefined]);
      expect(JSON.parse(await fs.readFile(path, "utf8"))).toEqual({ format: 1, values: { "=a": "old" } });
      await storage.set("c", 1);
      await storage.close();
      await using after = await fileStorage(path);
      expect(await after.getMany(["a", "b", "c"])).toEqual(["old", undefined, 1]);
    });

    test("says that it may be written when the old content cannot be restored either", async () => {
      const path = await temporaryPath();
      await using storage = await fileStorage(path);
      await storage.set("a", "old");
      const { rename } = fs;
      vi.spyOn(fs, "rename").mockImplementation(async (...given) => {
        await rename(...given);
        vi.spyOn(fs, "open").mockRejectedValue(new Error("EIO"));
      });
      await expect(storage.set("a", "new")).rejects.toMatchObject({
        name: "StorageError",
        message: `Cannot write "${path}": EIO; it may be written all the same`,
      });
      vi.restoreAllMocks();
      expect(await storage.get("a")).toBe("old");
    });

    test("writes nothing more when the file is still the old one", async () => {
      await using storage = await fileStorage(await temporaryPath());
      const open = vi.spyOn(fs, "open").mockRejectedValueOnce(new Error("ENOSPC"));
      await expect(storage.set("a", 1)).rejects.toMatchObject({ name: "StorageError" });
      expect(open).toHaveBeenCalledTimes(1);
    });

    /** Lets the next file, or the one after, fail at `method` once. */
    function failInFile(method: "writeFile" | "sync", opened = 1): void {
      const { open } = fs;
      let count = 0;
      vi.spyOn(fs, "open").mockImplementation(async (...given) => {
        const file = await open(...given);
        if (++count === opened) vi.spyOn(file, method).mockRejectedValueOnce(new Error("EIO"));
        return file;
      });
    }
  });

  describe("is open once at a time:", () => {
    test("refuses a second storage in the same process, until the first is closed", async () => {
      const path = await temporaryPath();
      const first = await fileStorage(path);
      await expect(fileStorage(path)).rejects.toMatchObject({
        name: "StorageError",
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
        message: expect.stringMatching(/process "\d+" has it open/),
      });
      await writer.kill();
      const storage = await fileStorage(path);
      expect(await storage.get("key 0")).toBeGreaterThanOrEqual(1);
      await storage.close();
      // Nor is anything of that process left.
      expect(await fs.readdir(join(path, ".."))).toEqual([basename(path)]);
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
