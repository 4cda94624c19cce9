import { describe, expect, test } from "vitest";
import { createStorage } from "../create-storage.js";
import { FileEngine, type FileSettings } from "./file-engine.js";
import { openFile } from "./open-file.js";
import type { Storage } from "../storage.js";
import { MemoryDisk } from "../testing/memory-disk.js";

const path = "/folder/alice.mx";

/** MX_CUTS=all tries every change of every byte, and goes on writing after every cut. */
const isThorough = process.env["MX_CUTS"] === "all";

async function open(disk: MemoryDisk, { compactionFloor = Infinity, repair = false } = {}): Promise<Storage> {
  const settings: FileSettings = {
    disk,
    path,
    replacementPath: "/folder/.tmp",
    durability: "power-loss",
    compactionFloor,
  };
  return createStorage(new FileEngine(settings, await openFile(settings, repair), async () => {}));
}

/** All that is in a storage, as one text. */
async function stateOf(storage: Storage): Promise<string> {
  const state: [string, unknown][] = [];
  for (const name of ["", "é", "n"]) {
    const place = name === "" ? storage : storage.namespace(name);
    for await (const [key, value] of place.entries()) state.push([`${name}/${key}`, value]);
  }
  return JSON.stringify(state);
}

function diskWith(content: Uint8Array): MemoryDisk {
  const disk = new MemoryDisk();
  disk.put(path, content);
  return disk;
}

interface Moment {
  readonly state: string;
  /** How long the file was then. */
  readonly length: number;
}

/** What a file of several commits, written anew in their middle, holds in the end, and what it held at each moment since. */
async function script(): Promise<{ content: Buffer; snapshotLength: number; moments: Moment[] }> {
  const disk = new MemoryDisk();
  const storage = await open(disk, { compactionFloor: 400 });
  const inode = (): Buffer => disk.contentOf(path) ?? Buffer.alloc(0);
  for (let number = 0; !isCompacted(inode()); number++) {
    await storage.transaction((transaction) => {
      transaction.set(`key ${number % 3}`, { number, text: "é".repeat(20) });
      transaction.namespace("é").set("count", number);
    });
  }
  const snapshotLength = inode().indexOf("snapshot\n") + "snapshot\n".length;
  const moments = [{ state: await stateOf(storage), length: inode().length }];
  for (const take of [
    () => storage.set("key 1", "a\ttab"),
    () =>
      storage.transaction((transaction) => {
        transaction.namespace("é").clear();
        transaction.namespace("n").set("new\nline", [1, null]);
        transaction.delete("key 0");
      }),
    () => Promise.all([storage.set("a", 1), storage.set("b", 2), storage.set("key 2", 3)]),
    () => storage.clear(),
    () => storage.namespace("é").set("last", "one"),
  ]) {
    await take();
    moments.push({ state: await stateOf(storage), length: inode().length });
  }
  await storage.close();
  return { content: inode(), snapshotLength, moments };
}

/** Tells whether the file begins with values, as one does that was written anew. */
function isCompacted(content: Buffer): boolean {
  return content.length > 0 && !/^\S* 2 8 snapshot$/m.test(content.toString("utf8"));
}

describe("a file that is cut off", async () => {
  const { content, snapshotLength, moments } = await script();
  const [start] = moments;

  test("was written anew in the middle of the run", () => {
    expect(start?.length).toBeGreaterThanOrEqual(snapshotLength);
    expect(moments).toHaveLength(6);
    expect(new Set(moments.map(({ state }) => state)).size).toBe(6);
    expect(content.length).toBe(moments.at(-1)?.length);
  });

  test("after any byte holds what it held when that was the last one, and can be written to", async () => {
    for (let length = start?.length ?? 0; length <= content.length; length++) {
      const disk = diskWith(content.subarray(0, length));
      const storage = await open(disk);
      const expected = moments.findLast((moment) => moment.length <= length);
      expect(await stateOf(storage)).toBe(expected?.state);
      if (isThorough || length % 5 === 0) {
        await storage.set("z", length);
        const state = await stateOf(storage);
        await storage.close();
        expect(await stateOf(await open(disk))).toBe(state);
      }
    }
  });

  test("in its first part is refused, and left as it is", async () => {
    for (let length = 0; length < snapshotLength; length++) {
      const part = content.subarray(0, length);
      const disk = diskWith(part);
      await expect(open(disk)).rejects.toMatchObject({ name: "StorageError", code: "damaged" });
      expect(disk.contentOf(path)?.equals(part)).toBe(true);
      expect(disk.names).toEqual([path]);
    }
  });

  test("and has got zeros where nothing was written is cut off as well", async () => {
    for (const { length, state } of moments) {
      for (const zeros of [2, 600, 5000]) {
        const disk = diskWith(Buffer.concat([content.subarray(0, length), Buffer.alloc(zeros)]));
        const storage = await open(disk);
        expect(await stateOf(storage)).toBe(state);
        expect(disk.contentOf(path)).toHaveLength(length);
      }
    }
  });
});

describe("a file with a byte that has changed", async () => {
  const { content, moments } = await script();
  const last = moments.at(-1)?.state;

  test("is refused, wherever that byte is, and left as it is", async () => {
    for (let index = 0; index < content.length; index++) {
      for (const changed of changesOf(content[index] ?? 0, index)) {
        const damaged = Buffer.from(content);
        damaged[index] = changed;
        const disk = diskWith(damaged);
        const outcome = await open(disk).then(stateOf, (error: { code: string }) => error.code);
        const isNewer = /^@mx\/storage [2-9]\n/.test(damaged.toString("latin1"));
        expect({ index, changed, outcome }).toEqual({ index, changed, outcome: isNewer ? "newer-format" : "damaged" });
        expect(disk.contentOf(path)?.equals(damaged)).toBe(true);
      }
    }
  });

  test("is refused when a part of the disk reads as zeros under what was acknowledged after it", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    for (let number = 0; number < 20; number++) await storage.set(`key ${number}`, "x".repeat(150));
    await storage.close();
    const whole = disk.contentOf(path) ?? Buffer.alloc(0);
    const lastLine = whole.lastIndexOf("\n", whole.length - 2);
    for (let start = 512; start + 512 < lastLine; start += 512) {
      await expect(open(diskWith(Buffer.from(whole).fill(0, start, start + 512)))).rejects.toMatchObject({
        code: "damaged",
      });
    }
  });

  test("is refused when a line is missing, or there twice", async () => {
    const lines = content.toString("utf8").split("\n");
    for (let index = 1; index < lines.length - 2; index++) {
      for (const changed of [lines.toSpliced(index, 1), lines.toSpliced(index, 0, lines[index] ?? "")]) {
        await expect(open(diskWith(Buffer.from(changed.join("\n"))))).rejects.toMatchObject({ code: "damaged" });
      }
    }
  });

  test("is opened by repair with every line that is whole, and kept beside", async () => {
    const lines = content.toString("latin1").split("\n").length - 1;
    for (let index = 20; index < content.length; index += isThorough ? 1 : 7) {
      const damaged = Buffer.from(content);
      damaged[index] = (damaged[index] ?? 0) ^ 4;
      const disk = diskWith(damaged);
      await using storage = await open(disk, { repair: true });
      expect(disk.contentOf(`${path}.damaged`)?.equals(damaged)).toBe(true);
      // What was committed last does not depend on the lines before it.
      const lastLine = content.lastIndexOf("\n", content.length - 2);
      if (index < lastLine) expect(await storage.namespace("é").get("last")).toBe("one");
      expect(lines).toBeGreaterThan(8);
      await storage.set("z", 1);
    }
  });

  test("is nothing to repair when there is none", async () => {
    const disk = diskWith(content);
    expect(await stateOf(await open(disk, { repair: true }))).toBe(last);
    expect(disk.names).toEqual([path]);
  });
});

/** Other values for a byte: in a quick run one with another bit, a zero and the end of a line. */
function changesOf(byte: number, index: number): number[] {
  const bits = Array.from({ length: 8 }, (_, bit) => byte ^ (1 << bit));
  const chosen = isThorough ? bits : [bits[(index * 5) % 8] ?? 0];
  return [...new Set([...chosen, 0, 10])].filter((changed) => changed !== byte);
}

test("a value that is cleared and set to the same in one transaction is written again", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await storage.set("a", 1);
  await storage.transaction((transaction) => {
    transaction.clear();
    transaction.set("a", 1);
  });
  const state = await stateOf(storage);
  await storage.close();
  expect(await stateOf(await open(disk))).toBe(state);
  expect(state).toBe('[["/a",1]]');
});
