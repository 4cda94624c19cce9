import fs from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { createStorage } from "./create-storage.js";
import { exportStorage } from "./export-storage.js";
import { fileStorage } from "./file/file-storage.js";
import { importStorage } from "./import-storage.js";
import { memoryStorage } from "./memory.js";
import { migrate } from "./migrate.js";
import { sqliteStorage } from "./sqlite/sqlite-storage.js";
import type { Storage } from "./storage.js";
import { Table } from "./table.js";
import { arbitraryKey, arbitraryPath, arbitraryValue } from "./testing/arbitrary-entries.js";
import { everyKind } from "./testing/every-store.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

async function textOf(storage: Storage): Promise<string> {
  let all = "";
  for await (const text of exportStorage(storage)) all += text;
  return all;
}

async function isEmpty(storage: Storage): Promise<boolean> {
  return !(await textOf(storage)).includes('"key"');
}

const header = '{"format":"storage-export","version":1}\n';
const markerKey = "@mx/storage: unfinished import";

function line(key: string, value: unknown = 1, namespace: readonly unknown[] = []): string {
  return `${JSON.stringify({ namespace, key, value })}\n`;
}

function footer(entries: number): string {
  return `{"entries":${entries}}\n`;
}

/** An export in more parts than one commit takes. */
function longExport(entries: number): string[] {
  const lines = Array.from({ length: entries }, (_, index) => line(`key ${String(index).padStart(6, "0")}`));
  return [header, ...lines, footer(entries)];
}

describe("importStorage", () => {
  test("makes equal what was exported, from every kind of storage to every other", async () => {
    const makers = await Promise.all(everyKind.map((kind) => kind.prepare()));
    const storages = await Promise.all(makers.map((make) => make().open()));
    let runs = 0;
    const entry = fc.record({ path: arbitraryPath, key: arbitraryKey, value: arbitraryValue });
    const property = fc.asyncProperty(fc.array(entry, { maxLength: 12 }), fc.nat(), async (entries, cut) => {
      await using source = memoryStorage();
      for (const { path, key, value } of entries) {
        await path.reduce((outer, name) => outer.namespace(name), source).set(key, value);
      }
      const exported = await textOf(source);
      const at = cut % exported.length;
      const name = `run ${runs++}`;
      for (const storage of storages) {
        // The order is the same everywhere, so equal texts are equal contents.
        await importStorage(storage.namespace(name), [exported.slice(0, at), exported.slice(at)]);
        expect(await textOf(storage.namespace(name))).toBe(exported);
      }
    });
    try {
      await fc.assert(property, { numRuns: 15 });
    } finally {
      await Promise.all(storages.map((storage) => storage.close()));
    }
    // What the texts say is also what is read.
    await using target = memoryStorage();
    await importStorage(target, [header, line("a", { $bytes: "AQI=" }), line("b", [{ $$bytes: 1 }], ["n"]), footer(2)]);
    expect(await target.get("a")).toEqual(Uint8Array.of(1, 2));
    expect(await target.namespace("n").get("b")).toEqual([{ $bytes: 1 }]);
  });

  test("reads a file as it comes, or the lines of a reader of lines with their ends", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "export.jsonl");
    await using source = memoryStorage();
    await source.namespace("n").set("😀\u2028", "😀".repeat(100));
    await source.set("a", 1);
    await writeFile(path, exportStorage(source));
    await using target = await sqliteStorage(join(folder, "target.db"));
    const texts = fs.createReadStream(path, { encoding: "utf8", highWaterMark: 7 });
    expect(await importStorage(target, texts)).toEqual({ entries: 2 });
    expect(await textOf(target)).toBe(await textOf(source));

    await using other = memoryStorage();
    const lines = createInterface({ input: fs.createReadStream(path) });
    await importStorage(
      other,
      (async function* ended() {
        for await (const each of lines) yield `${each}\r\n`;
      })(),
    );
    expect(await textOf(other)).toBe(await textOf(source));
  });

  test("says how many entries it has committed, in parts", async () => {
    await using target = memoryStorage();
    const progress: number[] = [];
    const entries = 2500;
    expect(
      await importStorage(target, longExport(entries), { onProgress: (each) => progress.push(each.entries) }),
    ).toEqual({ entries });
    expect(progress).toEqual([1000, 2000, 2500]);
  });

  test("commits few large values at a time", async () => {
    await using target = memoryStorage();
    const progress: number[] = [];
    const lines = ["a", "b", "c"].map((key) => line(key, "x".repeat(600_000)));
    await importStorage(target, [header, ...lines, footer(3)], {
      onProgress: ({ entries }) => progress.push(entries),
    });
    expect(progress).toEqual([1, 2, 3]);
  });

  test("refuses what has lost its end, wherever it was cut, and leaves nothing", async () => {
    await using source = memoryStorage();
    await source.set("a", 1);
    await source.set("b", { bytes: Uint8Array.of(1) });
    await source.namespace("n").set("é", "😀");
    const exported = await textOf(source);
    await using target = memoryStorage();
    // Without the very last line break, nothing is missing.
    for (let length = 0; length < exported.length - 1; length++) {
      await expect(importStorage(target, [exported.slice(0, length)])).rejects.toMatchObject({
        name: "StorageError",
        code: "damaged",
      });
      expect(await isEmpty(target)).toBe(true);
    }
    await importStorage(target, [exported.slice(0, -1)]);
    expect(await textOf(target)).toBe(exported);
    // An editor may have added one.
    await importStorage(target.namespace("copy"), [`${exported}\r\n`]);
    expect(await textOf(target.namespace("copy"))).toBe(exported);
  });

  test("removes what it has committed when the rest is missing", async () => {
    await using target = memoryStorage();
    const set = vi.fn();
    const texts = longExport(2500).slice(0, -1);
    await expect(importStorage(target, texts, { onProgress: set })).rejects.toMatchObject({
      code: "damaged",
      message:
        "Cannot import the storage: it ends after line 2501, and the last line of an export is missing; export it again",
    });
    expect(set).toHaveBeenCalled();
    expect(await isEmpty(target)).toBe(true);
  });

  test.each([
    ["no export", ["hello\n"], "line 1: it is not JSON"],
    ["other JSON", ["[]\n"], "line 1: it is not a JSON object"],
    ["bytes", ['{"$bytes":"AQID"}\n'], "line 1: it is not a JSON object"],
    ["another format", ['{"format":"songs","version":1}\n'], "line 1: it is not the first line of an export"],
    ["no version", ['{"format":"storage-export"}\n'], "line 1: it is not the first line of an export"],
    ["a line that is not JSON", [header, line("a"), "{\n", footer(2)], "line 3: it is not JSON"],
    ["a key that is missing", [header, '{"namespace":[],"value":1}\n', footer(1)], "line 2: it does not consist"],
    ["a value that is missing", [header, '{"namespace":[],"key":"a"}\n', footer(1)], "line 2: it does not consist"],
    ["a namespace of numbers", [header, line("a", 1, [1]), footer(1)], "line 2: it does not consist"],
    [
      "something more",
      [header, '{"namespace":[],"key":"a","value":1,"ttl":5}\n', footer(1)],
      "line 2: it does not consist",
    ],
    ["bytes that are none", [header, line("a", { $bytes: "?" }), footer(1)], "line 2: it is not JSON"],
    ["half of a character in a key", [header, line("\ud83d"), footer(1)], "line 2: Cannot use"],
    ["half of a character in a name", [header, line("a", 1, ["\ud83d"]), footer(1)], "line 2: Cannot use"],
    ["too deep a value", [header, line("a", JSON.parse("[".repeat(200) + "]".repeat(200))), footer(1)], "line 2: "],
    [
      "a key twice",
      [header, line("a"), line("b"), line("a"), footer(3)],
      "line 4: there is a value for its key already",
    ],
    ["a key twice, apart", [header, line("a"), line("a", 1, ["n"]), line("a"), footer(3)], "line 4: there is a value"],
    ["a wrong number of entries", [header, line("a"), footer(2)], "line 3: it does not say that there are 1 entries"],
    ["two exports", [header, line("a"), footer(1), header], "line 4: it comes after the one that should be the last"],
    ["its own marker", [header, line(markerKey), footer(1)], "line 2: there is a value for its key already"],
  ])("refuses %s, names the line, and leaves nothing", async (_, texts, message) => {
    await using target = memoryStorage();
    const attempt = importStorage(target.namespace("n"), texts);
    await expect(attempt).rejects.toMatchObject({
      name: "StorageError",
      code: "damaged",
      message: expect.stringContaining(`Cannot import ${message}`),
    });
    expect(await isEmpty(target)).toBe(true);
  });

  test("refuses a line without an end before it fills the memory", async () => {
    await using target = memoryStorage();
    const part = "x".repeat(1024 * 1024);
    let parts = 0;
    async function* endless(): AsyncGenerator<string, void> {
      yield header;
      for (; ; parts++) yield part;
    }
    const attempt = importStorage(target, endless());
    await expect(attempt).rejects.toMatchObject({
      code: "damaged",
      message: expect.stringContaining("line 2: it is longer"),
    });
    expect(parts).toBeLessThan(100);
  });

  test("shows no value in the text of an error", async () => {
    await using target = memoryStorage();
    const attempt = importStorage(target, [header, '{"namespace":[],"key":"token","value":s3cret}\n', footer(1)]);
    await expect(attempt).rejects.toMatchObject({ message: expect.not.stringContaining("s3c") });
  });

  test("refuses the export of a later version", async () => {
    await using target = memoryStorage();
    await expect(importStorage(target, [header.replace(":1", ":2"), '{"new":1}\n'])).rejects.toMatchObject({
      name: "StorageError",
      code: "newer-format",
      message: "Cannot import the storage: its format is version 2, and this program knows 1; update @mx/storage",
    });
    expect(await isEmpty(target)).toBe(true);
  });

  test("refuses bytes, and says how to read text", async () => {
    await using target = memoryStorage();
    // @ts-expect-error: what a caller without types may do
    await expect(importStorage(target, [Buffer.from(header)])).rejects.toThrow(/with "utf8"/);
  });

  test.each([
    ["an entry", (storage: Storage) => storage.set("a", 1)],
    ["a namespace with an entry", (storage: Storage) => storage.namespace("n").set("a", 1)],
  ])("refuses a storage that holds %s, and leaves it as it is", async (_, fill) => {
    await using target = memoryStorage();
    await fill(target);
    const before = await textOf(target);
    await expect(importStorage(target, [header, line("b"), footer(1)])).rejects.toMatchObject({
      name: "StorageError",
      code: "misuse",
      message: expect.stringContaining("it is not empty; clear() it first"),
    });
    expect(await textOf(target)).toBe(before);
  });

  test("fills a namespace beside others, and touches none of them", async () => {
    await using target = memoryStorage();
    await target.set("a", 1);
    await target.namespace("other").set("a", 1);
    await importStorage(target.namespace("new"), [header, line("a", 2), footer(1)]);
    await expect(importStorage(target.namespace("bad"), [header, line("a", 2)])).rejects.toThrow("is missing");
    expect(await target.namespace("new").get("a")).toBe(2);
    expect(await target.namespace("other").get("a")).toBe(1);
    expect(await target.get("a")).toBe(1);
  });

  test("ends with the reason of its signal, though it waits for a text that never comes, and leaves nothing", async () => {
    await using target = memoryStorage();
    const controller = new AbortController();
    const reason = new Error("enough");
    const texts = longExport(2000);
    async function* stuck(): AsyncGenerator<string, void> {
      yield* texts.slice(0, 1800);
      queueMicrotask(() => controller.abort(reason));
      await new Promise(() => {});
    }
    const { signal } = controller;
    await expect(importStorage(target, stuck(), { signal })).rejects.toBe(reason);
    expect(await isEmpty(target)).toBe(true);
    async function* stuckAtOnce(): AsyncGenerator<string, void> {
      await new Promise(() => {});
      yield "";
    }
    await expect(importStorage(target, stuckAtOnce(), { signal })).rejects.toBe(reason);
    await expect(importStorage(target, texts, { signal })).rejects.toBe(reason);
    expect(await isEmpty(target)).toBe(true);
    expect(await importStorage(target, texts, { signal: new AbortController().signal })).toEqual({ entries: 2000 });
  });

  test("ends with the error of what it reads from, and leaves nothing", async () => {
    await using target = memoryStorage();
    const error = new Error("the network is gone");
    async function* texts(): AsyncGenerator<string, void> {
      yield* longExport(2000).slice(0, 1800);
      throw error;
    }
    await expect(importStorage(target, texts())).rejects.toBe(error);
    expect(await isEmpty(target)).toBe(true);
  });

  test("lets go of what it reads from after an error of its own", async () => {
    await using target = memoryStorage();
    await target.set("a", 1);
    const letGo = vi.fn();
    async function* texts(): AsyncGenerator<string, void> {
      try {
        yield* longExport(3000);
      } finally {
        letGo();
      }
    }
    await expect(importStorage(target, texts())).rejects.toThrow("not empty");
    expect(letGo).toHaveBeenCalledOnce();
  });

  test("leaves a sign when it is cut off, which export and migrate heed, and starts over the next time", async () => {
    const table = new Table();
    let commitsLeft = 2;
    const open = (): Storage =>
      createStorage({
        read: async (keys) => table.read(keys),
        scan: async (prefix, after, limit) => table.scan(prefix, after, limit),
        commit: async (commits) => {
          if (commitsLeft-- <= 0) throw new Error("the process is no more");
          return commits.map((commit) => table.apply(commit));
        },
        close: async () => {},
      });
    const before = open();
    await expect(importStorage(before, longExport(2500))).rejects.toThrow("the process is no more");
    commitsLeft = Number.POSITIVE_INFINITY;
    await using after = open();
    expect(await after.has(markerKey)).toBe(true);
    expect(await after.has("key 000999")).toBe(true);
    const unfinished = {
      name: "StorageError",
      code: "damaged",
      message: expect.stringContaining("importStorage again"),
    };
    await expect(textOf(after)).rejects.toMatchObject(unfinished);
    await expect(migrate(after, [])).rejects.toMatchObject(unfinished);
    // Nor is a part of it taken for a whole.
    const inner = after.namespace("app").namespace("rooms");
    await expect(textOf(inner)).rejects.toMatchObject(unfinished);
    await expect(migrate(inner, [])).rejects.toMatchObject(unfinished);
    await importStorage(after, [header, line("a"), footer(1)]);
    expect(await textOf(after)).toBe(header + line("a") + footer(1));
  });

  test("gives way, and removes nothing, when another import has started over in the same place", async () => {
    await using target = memoryStorage();
    const other = longExport(1500);
    const attempt = importStorage(target, longExport(3000));
    const rival = (async () => {
      while (!(await target.has(markerKey))) await Promise.resolve();
      return importStorage(target, other);
    })();
    await expect(attempt).rejects.toMatchObject({ name: "StorageError", code: "conflict" });
    expect(await rival).toEqual({ entries: 1500 });
    expect(await textOf(target)).toBe(other.join(""));
  });

  test("does not call itself complete when somebody has removed what it had written", async () => {
    await using target = memoryStorage();
    let clearing: Promise<void> | undefined;
    const onProgress = (): void => void (clearing ??= target.clear());
    const attempt = importStorage(target, [header, line("a"), footer(1)], { onProgress });
    await expect(attempt).rejects.toMatchObject({ name: "StorageError", code: "conflict" });
    await clearing;
    expect(await isEmpty(target)).toBe(true);
  });

  test("comes with the version that was reached, so that nothing is migrated twice", async () => {
    await using source = memoryStorage();
    const steps = [vi.fn(), vi.fn()];
    await migrate(source, steps);
    const folder = await temporaryFolder();
    await using target = await fileStorage(join(folder, "target.json"));
    await importStorage(target, exportStorage(source));
    expect(await migrate(target, steps)).toBe(2);
    for (const step of steps) expect(step).toHaveBeenCalledOnce();
  });
});
