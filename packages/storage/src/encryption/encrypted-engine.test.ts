import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { keysOf } from "../contract/keys.js";
import { namesIn } from "../contract/namespaces.js";
import { createStorage, placeOf } from "../create-storage.js";
import type { StorageEngine } from "../engine.js";
import { clock, timers } from "../env.js";
import type { Storage } from "../storage.js";
import type { Store } from "../store.js";
import { Table } from "../table.js";
import { encryptedStorage } from "./encrypted-storage.js";

const key = new Uint8Array(32).fill(7);

/** An encrypted storage, the one that it is in, and the engine under both. */
async function makeEncrypted() {
  const table = new Table();
  const read = vi.fn<StorageEngine["read"]>(async (keys) => table.read(keys));
  const scan = vi.fn<StorageEngine["scan"]>(async (...given) => table.scan(...given));
  const commit = vi.fn<StorageEngine["commit"]>(async (commits) => commits.map((each) => table.apply(each)));
  const takeChanges = vi.fn<() => readonly string[]>(() => []);
  const plain = createStorage({ takeChanges, read, scan, commit, close: async () => {} });
  return { table, read, scan, commit, takeChanges, plain, encrypted: await encryptedStorage(plain, key) };
}

async function valuesOf(storage: Storage): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const [, value] of storage.entries()) values.push(value);
  return values;
}

async function pause(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
}

/** Sets `count` keys of `place` at once. */
async function fill(place: Storage, count: number): Promise<void> {
  await place.transaction((transaction) => {
    for (let index = 0; index < count; index++) transaction.set(String(index), index);
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the engine of an encrypted storage", () => {
  test("lists everything page by page in the order in which a plain one does", async () => {
    const name = fc.constantFrom("", "a", "a!", "b", "%2F", "%lease", "\u{ffff}", "😀");
    const path = fc.tuple(fc.array(name, { maxLength: 3 }), fc.constantFrom("", "a", "=", "a/", "b", "😀"));
    const change = fc.record({ path, isWritten: fc.boolean() });
    const property = fc.asyncProperty(
      fc.array(change, { maxLength: 30 }),
      fc.integer({ min: 1, max: 4 }),
      async (changes, limit) => {
        const { encrypted } = await makeEncrypted();
        const { store } = placeOf(encrypted);
        const table = new Table();
        for (const [
          index,
          {
            path: [names, last],
            isWritten,
          },
        ] of changes.entries()) {
          const prefix = names.map((each) => `${each}/`).join("");
          const written = new Map([[`${prefix}=${last}`, isWritten ? String(index) : undefined]]);
          const commit = { expected: new Map(), cleared: index % 10 === 9 ? [prefix] : [], written };
          table.apply(commit);
          await store.commit(commit);
          // Some lists are there already when the next change is made.
          await compare(store, table, index % 2 === 0 ? "" : prefix, limit);
          await compare(store, table, `${prefix}=${last.slice(0, 1)}`, limit);
        }
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  test("reads the names of a namespace once, and again when others have written to it", async () => {
    const { plain, encrypted, scan } = await makeEncrypted();
    const place = encrypted.namespace("n");
    await fill(place, 250);
    expect(await keysOf(place)).toHaveLength(250);
    expect(scan.mock.calls.filter(([, after]) => after !== "")).toHaveLength(2);
    scan.mockClear();
    await place.set("new", 1);
    await place.delete("0");
    await plain.namespace("beside it").set("a", 1);
    expect(await keysOf(place)).toHaveLength(250);
    expect(scan).not.toHaveBeenCalled();
    await (await encryptedStorage(plain, key)).set("a", 1);
    expect(await keysOf(place)).toHaveLength(250);
    expect(scan).toHaveBeenCalledTimes(3);
  });

  test("forgets what is in memory when others have changed nothing but its key", async () => {
    const { table, encrypted, takeChanges } = await makeEncrypted();
    await encrypted.set("a", 1);
    expect(await encrypted.get("a")).toBe(1);
    const markKey = "@mx%2Fstorage: encrypted/=mark";
    table.set(markKey, '"another one"');
    takeChanges.mockReturnValueOnce([markKey]);
    await expect(encrypted.get("a")).rejects.toMatchObject({ code: "wrong-key" });
    await expect(keysOf(encrypted.namespace("n"))).rejects.toMatchObject({ code: "wrong-key" });
  });

  test("forgets the names of what was removed", async () => {
    const { encrypted, scan, read } = await makeEncrypted();
    const place = encrypted.namespace("n");
    await fill(place, 20);
    await encrypted.namespace("m").set("a", 1);
    expect(await namesIn(encrypted)).toEqual(["m", "n"]);
    expect(await keysOf(place)).toHaveLength(20);
    await place.transaction((transaction) => {
      for (let index = 0; index < 20; index++) transaction.delete(String(index));
    });
    expect(await namesIn(encrypted)).toEqual(["m"]);
    read.mockClear();
    expect(await keysOf(place)).toEqual([]);
    expect(read).not.toHaveBeenCalled();
    await fill(place, 20);
    expect(await keysOf(place)).toHaveLength(20);
    await place.clear();
    read.mockClear();
    scan.mockClear();
    expect(await keysOf(place)).toEqual([]);
    expect(read.mock.calls.flat()).toEqual([[expect.stringContaining("=mark")]]);
    expect(scan).toHaveBeenCalledTimes(1);
  });

  test("forgets the names of namespaces in which there is nothing any more", async () => {
    const { encrypted, scan } = await makeEncrypted();
    const place = encrypted.namespace("n");
    await fill(place, 1);
    expect(await namesIn(encrypted)).toEqual(["n"]);
    await place.clear();
    expect(await namesIn(encrypted)).toEqual([]);
    // Else it would look into the namespace again.
    await place.clear();
    scan.mockClear();
    expect(await namesIn(encrypted)).toEqual([]);
    expect(scan).not.toHaveBeenCalled();
  });

  test("keeps the name of what was written while a listing did not find it", async () => {
    const { table, encrypted, read } = await makeEncrypted();
    await fill(encrypted, 2);
    expect(await keysOf(encrypted)).toEqual(["0", "1"]);
    await encrypted.delete("1");
    let goOn = (): void => {};
    const isWritten = new Promise<void>((resolve) => (goOn = resolve));
    read.mockImplementationOnce(async (keys) => {
      const values = table.read(keys);
      await isWritten;
      return values;
    });
    const listing = keysOf(encrypted);
    await encrypted.set("1", 1);
    goOn();
    await listing;
    expect(await keysOf(encrypted)).toEqual(["0", "1"]);
  });

  test.each(["it", "another one in the same storage"])("lists values of one moment while %s writes", async (who) => {
    const { table, read, plain, encrypted } = await makeEncrypted();
    const writer = who === "it" ? encrypted : await encryptedStorage(plain, key);
    for (let round = 0; round < 150; round++) {
      await writer.transaction((transaction) => {
        transaction.delete("a");
        transaction.set("b", "before");
        transaction.set("c", "before");
      });
      // There are names that were listed, and one of something that is not there any more.
      expect(await keysOf(encrypted)).toEqual(["b", "c"]);
      read.mockImplementation(async (keys) => {
        await pause(round % 4);
        const values = table.read(keys);
        await pause(round % 3);
        return values;
      });
      const first = writer.transaction((transaction) => {
        for (const name of ["a", "b"]) transaction.set(name, "after");
        transaction.delete("c");
      });
      await pause(round % 25);
      const listing = valuesOf(encrypted);
      await pause(round % 7);
      const second = writer.transaction((transaction) => {
        for (const name of ["0", "a", "c"]) transaction.set(name, "last");
        transaction.delete("b");
      });
      expect([
        ["before", "before"],
        ["after", "after"],
        ["last", "last", "last"],
      ]).toContainEqual(await listing);
      await Promise.all([first, second]);
      await writer.delete("0");
    }
  });

  test("lists values of one moment while it writes without a pause, and a commit is slow to answer", async () => {
    const { table, read, commit, encrypted } = await makeEncrypted();
    await encrypted.set("b", 0);
    expect(await keysOf(encrypted)).toEqual(["b"]);
    const { store } = placeOf(encrypted);
    read.mockImplementation(async (keys) => {
      await pause(10);
      const values = table.read(keys);
      await pause(10);
      return values;
    });
    let commits = 0;
    commit.mockImplementation(async (group) => {
      const areMade = group.map((each) => table.apply(each));
      await pause(++commits % 5 === 0 ? 500 : 5);
      return areMade;
    });
    const done = new AbortController();
    const writing = (async () => {
      for (let round = 1; !done.signal.aborted; round++) {
        await encrypted.transaction((transaction) => {
          transaction.clear();
          for (const name of round % 2 === 0 ? ["b"] : ["a", "b", "c", "d"]) transaction.set(name, round);
        });
      }
    })();
    for (let times = 0; times < 100; times++) {
      const limit = times % 2 === 0 ? 2 : 100;
      const rows = await store.scan("=", "", limit);
      const [first] = rows;
      expect(new Set(rows.map(([, value]) => value)).size).toBe(1);
      expect(rows).toHaveLength(Number(first?.[1]) % 2 === 0 ? 1 : Math.min(limit, 4));
    }
    done.abort();
    await writing;
  });

  test("fills a page with what comes after what others have removed while it was read", async () => {
    const { table, read, plain, encrypted } = await makeEncrypted();
    await fill(encrypted, 4);
    expect(await keysOf(encrypted)).toHaveLength(4);
    const other = await encryptedStorage(plain, key);
    read.mockImplementationOnce(async (keys) => {
      await other.transaction((transaction) => {
        for (const name of ["0", "1"]) transaction.delete(name);
      });
      return table.read(keys);
    });
    const rows = await placeOf(encrypted).store.scan("=", "", 2);
    expect(rows).toEqual([
      ["=2", "2"],
      ["=3", "3"],
    ]);
  });

  test("makes one of two transactions that belong together though nobody can tell why the other is not made", async () => {
    const { table, encrypted, read } = await makeEncrypted();
    await encrypted.set("a", 1);
    const clearing = encrypted.clear();
    const losing = encrypted.transaction(async (transaction) => {
      transaction.set("b", Number(await transaction.get("a", 0)) + 1);
    });
    // Reading the reason fails; the answer to the transaction does not.
    read.mockImplementation(async (keys) => {
      if (keys.length === 1) throw new Error("the disk is on fire");
      return table.read(keys);
    });
    await Promise.all([clearing, losing]);
    expect(await encrypted.get("b")).toBe(1);
  });

  test("tells of a failure when none of the commits that belong together is under way any more", async () => {
    const { table, commit, plain, encrypted } = await makeEncrypted();
    const steps: (() => Promise<void>)[] = [];
    commit.mockImplementation(async (group) => {
      await steps.shift()?.();
      return group.map((each) => table.apply(each));
    });
    let endFirst = (): void => {};
    const isFirstOver = new Promise<void>((resolve) => (endFirst = resolve));
    steps.push(
      () => isFirstOver,
      async () => {
        throw new Error("the disk is full, for a moment");
      },
      () => pause(1000),
    );
    // Together with these, what comes next is more than one group of the storage that it is in.
    const first = plain.namespace("beside it").set("a", 1);
    await pause(10);
    const others = Array.from({ length: 995 }, (_, index) => plain.namespace("beside it").set(String(index), 1));
    const writes = Array.from({ length: 10 }, (_, index) => encrypted.set(String(index), index));
    const isTold = Promise.allSettled([...others, ...writes]);
    await pause(1000);
    endFirst();
    await Promise.all([first, expect(writes[9]).rejects.toMatchObject({ code: "failed" })]);
    const seen = await encrypted.get("9");
    await isTold;
    await pause(2000);
    expect(steps).toEqual([]);
    expect(seen).toBe(await (await encryptedStorage(plain, key)).get("9"));
  });

  test("lets others have a turn while it reads many names", async () => {
    const { encrypted } = await makeEncrypted();
    await fill(encrypted, 1000);
    for (let name = 0; name < 10; name++) await fill(encrypted.namespace(String(name)), 1);
    let now = 0;
    vi.spyOn(clock, "monotonicMs").mockImplementation(() => (now += 6));
    const wait = vi.spyOn(timers, "setTimeout");
    expect(await keysOf(encrypted)).toHaveLength(1000);
    expect(wait.mock.calls.length).toBeGreaterThan(2);
    wait.mockClear();
    expect(await namesIn(encrypted)).toHaveLength(10);
    expect(wait.mock.calls.length).toBeGreaterThan(2);
  });

  test("takes nothing for a value that was not written like one", async () => {
    const { table, encrypted } = await makeEncrypted();
    await encrypted.set("a", "text");
    const [row] = table.scan("@mx%2Fstorage: encrypted/entries/", "", 1);
    if (row === undefined) throw new Error("nothing is stored");
    for (const changed of [`'${row[1].slice(1)}`, `${row[1].slice(0, -1)}'`, row[1].slice(1, -1), ""]) {
      table.set(row[0], changed);
      await expect(placeOf(encrypted).store.readStored(["=a"])).rejects.toMatchObject({ code: "damaged" });
    }
  });
});

async function compare(store: Store, table: Table, prefix: string, limit: number): Promise<void> {
  for (let after = ""; ;) {
    const expected = table.scan(prefix, after, limit);
    expect(await store.scan(prefix, after, limit)).toEqual(expected);
    const last = expected.at(-1);
    if (last === undefined) return;
    [after] = last;
  }
}
