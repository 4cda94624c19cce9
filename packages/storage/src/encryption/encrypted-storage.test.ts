import fs from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { keysOf } from "../contract/keys.js";
import { namesIn } from "../contract/namespaces.js";
import { cryptography } from "../env.js";
import { exportStorage } from "../export-storage.js";
import { fileStorage } from "../file/file-storage.js";
import { importStorage } from "../import-storage.js";
import { memoryStorage } from "../memory.js";
import { sqliteStorage } from "../sqlite/sqlite-storage.js";
import { StorageError } from "../storage-error.js";
import type { Storage } from "../storage.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { toStorage } from "../to-storage.js";
import { encryptedStorage, openEncrypted, rotateKey } from "./encrypted-storage.js";
import type { KeyProvider, Secret } from "./secret.js";

const key = new Uint8Array(32).fill(7);
const otherKey = new Uint8Array(32).fill(8);

/** The entries as they are stored, by the keys that the encrypted storage is in. */
const recordKey = "@mx%2Fstorage: encrypted/=key";
const markKey = "@mx%2Fstorage: encrypted/=mark";

/** Few iterations: what they are for is not what is tested. */
const open = (storage: Storage, secret: Secret = key): Promise<Storage> => openEncrypted(storage, secret, 10);

/** Opens an encrypted storage on what is stored in `map`, as by another process. */
const openOn = (map: Map<string, unknown>, secret: Secret = key): Promise<Storage> => open(toStorage(map), secret);

/** What a keychain does, as simply as can be. */
function provider(mask: number): KeyProvider {
  const change = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ mask);
  return { wrap: change, unwrap: async (bytes) => change(bytes) };
}

function cryptoKey(bytes: Uint8Array, length = 256): Promise<Secret> {
  return cryptography.subtle.importKey("raw", bytes.subarray(0, length / 8), "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** Where everything is stored but the key. */
function entryKeys(map: Map<string, unknown>): string[] {
  return [...map.keys()].filter((each) => each !== recordKey && each !== markKey);
}

/** `text` with each of its characters changed in turn. */
function* changedTexts(text: string): Generator<string> {
  for (let index = 0; index < text.length; index++) {
    const other = String.fromCharCode(text.charCodeAt(index) ^ 1);
    yield `${text.slice(0, index)}${other}${text.slice(index + 1)}`;
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the secret of an encrypted storage", () => {
  const secrets: readonly [name: string, right: () => Promise<Secret>, wrong: () => Promise<Secret>][] = [
    ["a key", async () => key, async () => otherKey],
    ["a CryptoKey", () => cryptoKey(key), () => cryptoKey(otherKey)],
    ["a passphrase", async () => "correct horse", async () => "correct horse "],
    ["a provider", async () => provider(1), async () => provider(2)],
  ];

  test.each(secrets)("%s opens what it has closed; another one is refused at once", async (_, right, wrong) => {
    const map = new Map<string, unknown>();
    const before = await openOn(map, await right());
    await before.namespace("n").set("key", "value");
    await before.close();
    const stored = new Map(map);
    const wrongKey = { name: "StorageError", code: "wrong-key" };
    await expect(openOn(map, await wrong())).rejects.toMatchObject(wrongKey);
    for (const [other, , secret] of secrets) {
      if (other !== _) await expect(openOn(map, await secret())).rejects.toMatchObject(wrongKey);
    }
    expect(map).toEqual(stored);
    const after = await openOn(map, await right());
    expect(await after.namespace("n").get("key")).toBe("value");
  });

  test("is the same as a key and as a CryptoKey", async () => {
    const map = new Map<string, unknown>();
    await (await openOn(map, key)).set("a", 1);
    expect(await (await openOn(map, await cryptoKey(key))).get("a")).toBe(1);
  });

  test("is a passphrase however its characters are composed", async () => {
    const map = new Map<string, unknown>();
    await (await openOn(map, "caf\u00e9")).set("a", 1);
    expect(await (await openOn(map, "cafe\u0301")).get("a")).toBe(1);
  });

  test("takes 600,000 iterations to try when it is a passphrase, or as many as it was made with", async () => {
    const map = new Map<string, unknown>();
    await (await encryptedStorage(toStorage(map), "correct horse")).set("a", 1);
    expect(JSON.stringify(map.get(recordKey))).toContain('iterations\\":600000');
    const quick = new Map<string, unknown>();
    await (await openOn(quick, "correct horse")).set("a", 1);
    expect(await (await encryptedStorage(toStorage(quick), "correct horse")).get("a")).toBe(1);
  });

  test("may be no key of another length, nothing empty, and nothing else", async () => {
    const storage = memoryStorage();
    const encryptOnly = await cryptography.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
    const refused = [
      new Uint8Array(16),
      "",
      undefined,
      null,
      7,
      {},
      { wrap() {} },
      await cryptoKey(key, 128),
      encryptOnly,
    ];
    for (const secret of refused) {
      // @ts-expect-error: what a caller without types may do
      await expect(encryptedStorage(storage, secret)).rejects.toMatchObject({
        name: "TypeError",
        message: expect.stringContaining("Cannot encrypt a storage"),
      });
    }
    expect(await namesIn(storage)).toEqual([]);
  });

  test.each([
    ["a Uint8Array", () => Uint8Array.from(key)],
    ["a Buffer", () => Buffer.from(key)],
  ])("is what %s holds when it is given, though it is overwritten at once", async (_, make) => {
    const map = new Map<string, unknown>();
    const opening = make();
    const storage = openOn(map, opening);
    opening.fill(0);
    await (await storage).set("a", 1);
    expect(await (await openOn(map, key)).get("a")).toBe(1);
    const next = make().fill(9);
    const rotating = rotateKey(await storage, next);
    next.fill(0);
    await rotating;
    expect(await (await openOn(map, make().fill(9))).get("a")).toBe(1);
  });

  test("may be overwritten by its provider as soon as it was given", async () => {
    const map = new Map<string, unknown>();
    let given = Buffer.alloc(0);
    const pass = {
      wrap: (bytes: Uint8Array) => bytes,
      unwrap: (bytes: Uint8Array) => (given = Buffer.from(bytes)),
    };
    await (await openOn(map, pass)).set("a", 1);
    const storage = await openOn(map, pass);
    given.fill(0);
    await rotateKey(storage, key);
    expect(await (await openOn(map, key)).get("a")).toBe(1);
  });

  test("is not given away by the error of a provider that fails, or gives nonsense", async () => {
    const failure = new Error("the keychain says: hunter2");
    const fail = (): never => {
      throw failure;
    };
    const map = new Map<string, unknown>();
    const failing = { wrap: fail, unwrap: fail };
    const error: unknown = await openOn(map, failing).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "StorageError", code: "failed", cause: failure });
    expect(String(error)).not.toContain("hunter2");
    await openOn(map, provider(1));
    await expect(openOn(map, failing)).rejects.toMatchObject({ code: "failed", cause: failure });
    const short = { ...provider(1), unwrap: () => Uint8Array.of(1, 2, 3) };
    await expect(openOn(map, short)).rejects.toMatchObject({ code: "wrong-key" });
    // @ts-expect-error: what a caller without types may do
    await expect(openOn(map, { ...provider(1), unwrap: () => "text" })).rejects.toThrow("no Uint8Array");
  });

  test("is nowhere to be seen", async () => {
    const map = new Map<string, unknown>();
    const storage = await openOn(map, "correct horse");
    await storage.set("a", 1);
    const error: unknown = await openOn(map, "wrong horse").catch((reason: unknown) => reason);
    const shown = [storage, error].map(
      (each) => `${inspect(each, { depth: 9, showHidden: true })}${JSON.stringify(each)}`,
    );
    expect(shown.join()).not.toMatch(/horse/);
    expect(Reflect.ownKeys(storage)).toEqual(["namespace"]);
  });

  test("can be another one, which changes one entry, and what is open stays open", async () => {
    const map = new Map<string, unknown>();
    const one = await openOn(map, key);
    const other = await openOn(map, key);
    await one.set("a", 1);
    const before = new Map(map);
    await rotateKey(one.namespace("n"), "correct horse");
    expect([...map.keys()]).toEqual([...before.keys()]);
    expect([...map].filter(([each, value]) => before.get(each) !== value && each !== recordKey)).toEqual([]);
    await other.set("b", 2);
    await one.set("c", 3);
    await expect(openOn(map, key)).rejects.toMatchObject({ code: "wrong-key" });
    expect(await keysOf(await openOn(map, "correct horse"))).toEqual(["a", "b", "c"]);
    await rotateKey(other, provider(3));
    expect(await keysOf(await openOn(map, provider(3)))).toEqual(["a", "b", "c"]);
    await expect(openOn(map, "correct horse")).rejects.toMatchObject({ code: "wrong-key" });
  });

  test("is changed by one of two who change it at once", async () => {
    const map = new Map<string, unknown>();
    const [one, other] = [await openOn(map), await openOn(map)];
    const changes = await Promise.allSettled([rotateKey(one, "one"), rotateKey(other, "other")]);
    const failed = changes.filter(({ status }) => status === "rejected");
    expect(failed).toMatchObject([{ reason: { code: "conflict" } }]);
    await openOn(map, changes[0].status === "fulfilled" ? "one" : "other");
  });

  test("cannot be changed in a storage that is not encrypted, to nothing, or where the key was removed", async () => {
    await expect(rotateKey(memoryStorage(), key)).rejects.toMatchObject({ name: "TypeError" });
    const map = new Map<string, unknown>();
    const storage = await openOn(map);
    await expect(rotateKey(storage, "")).rejects.toMatchObject({ name: "TypeError" });
    map.delete(recordKey);
    await expect(rotateKey(storage, otherKey)).rejects.toMatchObject({ code: "damaged" });
    expect(map.has(recordKey)).toBe(false);
  });
});

describe("an encrypted storage", () => {
  test("has one key when it is opened for the first time by several at once", async () => {
    const map = new Map<string, unknown>();
    const storages = await Promise.all(Array.from({ length: 5 }, () => openOn(map)));
    for (const [index, storage] of storages.entries()) await storage.set(String(index), index);
    for (const storage of storages) expect(await keysOf(storage)).toEqual(["0", "1", "2", "3", "4"]);
  });

  test("is not made where something is stored in the clear, or by something that is no storage of ours", async () => {
    const storage = memoryStorage();
    await storage.set("a", 1);
    const refused = { name: "StorageError", code: "misuse", message: expect.stringContaining("export it") };
    await expect(open(storage)).rejects.toMatchObject(refused);
    await storage.delete("a");
    await storage.namespace("n").set("a", 1);
    await expect(open(storage)).rejects.toMatchObject(refused);
    expect(await storage.namespace("n").get("a")).toBe(1);
    await using encrypted = await open(storage.namespace("empty"));
    await encrypted.set("a", 2);
    // @ts-expect-error: what a caller without types may do
    await expect(open({})).rejects.toMatchObject({ name: "TypeError" });
  });

  test("shows in the storage that it is in that it is there, and nothing else", async () => {
    const storage = memoryStorage();
    const encrypted = await open(storage);
    await encrypted.namespace("hunter").set("hunter", "hunter");
    expect(await keysOf(storage)).toEqual([]);
    expect(await namesIn(storage)).toEqual(["@mx/storage: encrypted"]);
    let all = "";
    for await (const text of exportStorage(storage)) all += text;
    expect(all).not.toContain("hunter");
  });

  test.each([
    ["a file", fileStorage],
    ["SQLite", sqliteStorage],
  ])("writes nothing that can be read into %s", async (_, openAt) => {
    const folder = await temporaryFolder();
    const storage = await open(await openAt(join(folder, "storage")), "hunter passphrase");
    const place = storage.namespace("hunter name").namespace("hunter inner");
    await place.set("hunter key", {
      "hunter property": "hunter text",
      bytes: new TextEncoder().encode("hunter bytes"),
    });
    await place.transaction((transaction) => transaction.set("hunter 2", "hunter 2"));
    await using lease = await place.lease("hunter lease");
    expect(lease.signal.aborted).toBe(false);
    const found = async (): Promise<string> => {
      const files = await fs.readdir(folder);
      // libsql frees its other files a little later than it says.
      const texts = files.map((file) => fs.readFile(join(folder, file), "latin1").catch(() => ""));
      return (await Promise.all(texts)).join("\n");
    };
    const whileOpen = await found();
    await storage.close();
    for (const text of [whileOpen, await found()]) {
      expect(text).toContain("encrypted");
      expect(text).not.toMatch(/hunter|%lease/i);
      for (const hidden of ["hunter key", "hunter text", "hunter bytes", "hunter name"]) {
        // However it lies between groups of three bytes.
        for (const shift of [0, 1, 2]) {
          expect(text).not.toContain(
            Buffer.from(" ".repeat(shift) + hidden)
              .toString("base64url")
              .slice(2, -2),
          );
        }
      }
    }
  });

  test("lets equal names and values look different elsewhere, and the same again at their place", async () => {
    const map = new Map<string, unknown>();
    const storage = await openOn(map);
    for (const place of [
      storage,
      storage.namespace("a"),
      storage.namespace("b"),
      storage.namespace("a").namespace("a"),
    ]) {
      await place.set("a", "value");
      await place.set("a/", "value");
    }
    const steps = entryKeys(map).flatMap((each) => each.split("/").slice(2));
    const keyParts = steps.filter((each) => each.startsWith("="));
    expect(new Set(keyParts).size).toBe(8);
    expect(new Set(map.values()).size).toBe(map.size);
    const before = new Map(map);
    await (await openOn(map)).namespace("a").set("a", "value");
    expect(map).toEqual(before);
  });

  test("finds out when a value was changed, and says of which key, wherever the change is", async () => {
    const map = new Map<string, unknown>();
    const storage = await openOn(map);
    await storage.namespace("n").set("token", "s3cret");
    await storage.namespace("n").set("other", 1);
    const damaged = { name: "StorageError", code: "damaged", message: expect.stringContaining('"token"') };
    const other = await openOn(map);
    const stored = entryKeys(map).find((each) => String(map.get(each)).length > 45) ?? "";
    for (const changed of [...changedTexts(String(map.get(stored))), "", 7, { a: 1 }, [map.get(stored)]]) {
      const before = map.get(stored);
      map.set(stored, changed);
      await expect(storage.namespace("n").get("token")).rejects.toMatchObject(damaged);
      await expect(other.namespace("n").getMany(["other", "token"])).rejects.toMatchObject(damaged);
      await expect(keysOf(other.namespace("n"))).rejects.toMatchObject(damaged);
      expect(await storage.namespace("n").get("other")).toBe(1);
      map.set(stored, before);
    }
    expect(await storage.namespace("n").get("token")).toBe("s3cret");
  });

  test("finds out when values were swapped, or an entry was moved to another key or namespace", async () => {
    const map = new Map<string, unknown>();
    const storage = await openOn(map);
    await storage.namespace("a").set("k", "a");
    await storage.namespace("b").set("k", "b");
    const [first = "", second = ""] = entryKeys(map);
    const [ofFirst, ofSecond] = [map.get(first), map.get(second)];
    map.set(first, ofSecond).set(second, ofFirst);
    await expect(storage.namespace("a").get("k")).rejects.toMatchObject({ code: "damaged" });
    await expect(storage.namespace("b").get("k")).rejects.toMatchObject({ code: "damaged" });
    map.set(first, ofFirst).set(second, ofSecond);
    // The name and the value of one, in the namespace of the other.
    const moved = `${second.slice(0, second.indexOf("="))}${first.slice(first.indexOf("="))}`;
    map.set(moved, ofFirst);
    await expect(keysOf(storage.namespace("b"))).rejects.toMatchObject({ code: "damaged" });
    expect(await storage.namespace("b").get("k")).toBe("b");
    map.delete(moved);
    // One namespace in the other.
    const inner = first.slice(first.indexOf("entries/") + "entries/".length);
    map.set(`${second.slice(0, second.indexOf("="))}${inner}`, ofFirst);
    await expect(namesIn(storage.namespace("b"))).rejects.toMatchObject({ code: "damaged" });
    expect(await storage.namespace("b").namespace("a").get("k")).toBeUndefined();
    map.delete(`${second.slice(0, second.indexOf("="))}${inner}`);
    // A key as a namespace, and a namespace as a key.
    const [namespace = ""] = inner.split("/");
    map.set(`${first.replace("=", "")}/=${namespace}`, ofFirst);
    await expect(namesIn(storage.namespace("a"))).rejects.toMatchObject({ code: "damaged" });
  });

  test("finds out when a name was changed, wherever the change is, and never gives a wrong one", async () => {
    const map = new Map<string, unknown>();
    const storage = await openOn(map);
    await storage.namespace("n").set("k", 1);
    const [stored = ""] = entryKeys(map);
    const value = map.get(stored);
    const start = stored.indexOf("entries/") + "entries/".length;
    map.delete(stored);
    for (const changed of changedTexts(stored.slice(start))) {
      map.set(stored.slice(0, start) + changed, value);
      const listing = async (): Promise<unknown> => [
        await namesIn(storage),
        await keysOf(storage.namespace("n")),
        await keysOf(storage),
      ];
      const found = await listing().catch((error: unknown) => error);
      if (!(found instanceof StorageError)) expect(found).toEqual([[], [], []]);
      else expect(found.code).toBe("damaged");
      expect(await storage.namespace("n").get("k")).toBeUndefined();
      map.delete(stored.slice(0, start) + changed);
    }
  });

  test("is not opened when its key is damaged, or a part of it is missing", async () => {
    const map = new Map<string, unknown>();
    await (await openOn(map, "passphrase")).set("a", 1);
    const damaged = { name: "StorageError", code: "damaged" };
    for (const place of [recordKey, markKey]) {
      const text = JSON.stringify(map.get(place));
      for (const changed of changedTexts(text)) {
        let value: unknown;
        try {
          value = JSON.parse(changed);
        } catch {
          // What is no JSON is not stored by any engine.
          continue;
        }
        const before = map.get(place);
        map.set(place, value);
        await expect(openOn(map, "passphrase")).rejects.toMatchObject(damaged);
        map.set(place, before);
      }
      const before = map.get(place);
      map.delete(place);
      await expect(openOn(map, "passphrase")).rejects.toMatchObject(damaged);
      map.set(place, before);
    }
    map.delete(recordKey);
    map.delete(markKey);
    await expect(openOn(map, "passphrase")).rejects.toMatchObject(damaged);
  });

  test("is not opened when a later version has written it", async () => {
    const map = new Map<string, unknown>();
    await openOn(map);
    const body = '{"format":2,"kind":"something new"}';
    const checksum = await cryptography.subtle.digest("SHA-256", new TextEncoder().encode(body));
    map.set(recordKey, [body, Buffer.from(checksum).toString("base64")]);
    await expect(openOn(map)).rejects.toMatchObject({
      code: "newer-format",
      message: expect.stringContaining("update"),
    });
  });

  test("is not opened while an import into the storage that it is in is unfinished", async () => {
    const map = new Map<string, unknown>();
    await openOn(map);
    map.set("=@mx/storage: unfinished import", "a marker");
    await expect(openOn(map)).rejects.toMatchObject({ code: "damaged", message: expect.stringContaining("import") });
  });

  test("is not opened in a namespace of a storage while an import into that is unfinished", async () => {
    const map = new Map<string, unknown>();
    await open(toStorage(map).namespace("a").namespace("b"));
    for (const marker of ["=@mx/storage: unfinished import", "a/=@mx/storage: unfinished import"]) {
      map.set(marker, "a marker");
      const opening = open(toStorage(map).namespace("a").namespace("b"));
      await expect(opening).rejects.toMatchObject({ code: "damaged", message: expect.stringContaining("import") });
      map.delete(marker);
    }
    await open(toStorage(map).namespace("a").namespace("b"));
  });

  test("can be exported and imported without its secret, however long what is sealed has become", async () => {
    const storage = memoryStorage();
    const encrypted = await open(storage.namespace("a"));
    const inner = Array.from({ length: 250 }).reduce<Storage>((outer) => outer.namespace("a"), encrypted);
    await inner.set("a", 1);
    await encrypted.set("é".repeat(8000), 1);
    await encrypted.set("long", "x".repeat(13 * 1024 * 1024));
    const map = new Map<string, unknown>();
    await importStorage(toStorage(map), exportStorage(storage));
    const copy = await open(toStorage(map).namespace("a"));
    expect(await copy.get("é".repeat(8000))).toBe(1);
    expect(await copy.get("long")).toHaveLength(13 * 1024 * 1024);
    expect(
      await Array.from({ length: 250 })
        .reduce<Storage>((outer) => outer.namespace("a"), copy)
        .get("a"),
    ).toBe(1);
  });

  test("writes nothing more when the storage that it is in was cleared, with its key", async () => {
    const map = new Map<string, unknown>();
    const storage = await openOn(map);
    await storage.set("a", 1);
    await toStorage(map).clear();
    const cleared = { name: "StorageError", code: "wrong-key", message: expect.stringContaining("open it again") };
    await expect(storage.set("b", 1)).rejects.toMatchObject(cleared);
    expect(map.size).toBe(0);
    const next = await openOn(map, otherKey);
    await next.set("c", 1);
    await expect(storage.transaction((transaction) => transaction.set("b", 1))).rejects.toMatchObject(cleared);
    expect(await keysOf(next)).toEqual(["c"]);
  });

  test.each(["a Map", "SQLite"])("answers nothing when it was cleared and made anew in %s", async (where) => {
    const map = new Map<string, unknown>();
    const path = join(await temporaryFolder(), "storage.db");
    const openAnew = async (): Promise<Storage> => (where === "a Map" ? toStorage(map) : sqliteStorage(path));
    await using storage = await open(await openAnew());
    await using other = await openAnew();
    await storage.namespace("n").set("a", 1);
    expect(await keysOf(storage.namespace("n"))).toEqual(["a"]);
    expect(await storage.namespace("n").get("b")).toBeUndefined();
    await other.clear();
    const requireGone = async (): Promise<void> => {
      const gone = { name: "StorageError", code: "wrong-key", message: expect.stringContaining("open it again") };
      const place = storage.namespace("n");
      await expect(place.get("b")).rejects.toMatchObject(gone);
      await expect(place.has("a")).rejects.toMatchObject(gone);
      await expect(place.getMany(["a", "b"])).rejects.toMatchObject(gone);
      await expect(place.transaction((transaction) => transaction.get("a"))).rejects.toMatchObject(gone);
      await expect(place.delete("a")).rejects.toMatchObject(gone);
      for (const each of [storage, place, place.namespace("m")]) {
        await expect(keysOf(each)).rejects.toMatchObject(gone);
        await expect(namesIn(each)).rejects.toMatchObject(gone);
      }
    };
    await requireGone();
    const anew = await open(other);
    await requireGone();
    await anew.set("a", 2);
    await anew.namespace("n").set("a", 2);
    await requireGone();
    expect(await anew.get("a")).toBe(2);
  });

  test("lists and reads what another one in the same storage has written, and not what it has removed", async () => {
    const storage = memoryStorage();
    const one = await open(storage);
    const other = await open(storage);
    const place = one.namespace("n");
    await place.set("b", 1);
    expect(await keysOf(place)).toEqual(["b"]);
    await other.namespace("n").set("a", 1);
    await other.namespace("n").set("b", 2);
    expect(await keysOf(place)).toEqual(["a", "b"]);
    expect(await place.get("b")).toBe(2);
    await other.namespace("m").set("a", 1);
    expect(await namesIn(one)).toEqual(["m", "n"]);
    expect(await place.get("b")).toBe(2);
    await other.namespace("n").clear();
    expect(await place.get("b")).toBeUndefined();
    expect(await namesIn(one)).toEqual(["m"]);
    await place.set("b", 3);
    await other.clear();
    expect(await namesIn(one)).toEqual([]);
    expect(await place.get("b")).toBeUndefined();
    await place.set("c", 1);
    await storage.clear();
    await expect(place.get("c")).rejects.toMatchObject({ code: "wrong-key" });
  });

  test("lists and reads what another one has written into the same database", async () => {
    const path = join(await temporaryFolder(), "storage.db");
    await using one = await open(await sqliteStorage(path));
    await using other = await open(await sqliteStorage(path));
    for (const name of ["c", "a", "b"]) {
      await one.namespace("n").set(name, 1);
      const listed = await keysOf(other.namespace("n"));
      expect(listed).toContain(name);
      expect(listed).toEqual(await keysOf(one.namespace("n")));
      await other.namespace("n").set(name, 2);
      expect(await one.namespace("n").get(name)).toBe(2);
    }
    await one.namespace("n").clear();
    expect(await keysOf(other.namespace("n"))).toEqual([]);
  });

  test("gives a lease to one of two on the same database, and commits nothing for one that has lost it", async () => {
    const path = join(await temporaryFolder(), "storage.db");
    await using one = await open(await sqliteStorage(path));
    await using other = await open(await sqliteStorage(path));
    const lease = await one.lease("sync");
    await expect(other.lease("sync")).rejects.toMatchObject({ code: "lease-held" });
    await one.transaction((transaction) => transaction.set("a", 1), { lease });
    await lease.release();
    await using next = await other.lease("sync");
    expect(next.token).toBeGreaterThan(lease.token);
    await expect(one.transaction(() => 1, { lease })).rejects.toMatchObject({ code: "lease-lost" });
  });

  test.each(["Node", "the web"])("keeps the order of writes with the cryptography of %s", async (which) => {
    if (which === "the web") vi.spyOn(cryptography, "node").mockReturnValue(undefined);
    await using storage = await open(memoryStorage());
    const writes: Promise<void>[] = [];
    for (let index = 0; index < 20; index++) {
      // Long and short ones in turn: the long ones take longer.
      writes.push(storage.set("a", [index, "x".repeat(index % 2 === 0 ? 300_000 : 0)]));
      await Promise.resolve();
      await Promise.resolve();
    }
    await Promise.all(writes);
    expect(await storage.get("a")).toEqual([19, ""]);
  });

  test("keeps what is in thousands of namespaces in each other", async () => {
    await using storage = await open(memoryStorage());
    let inner = storage;
    for (let depth = 0; depth < 4000; depth++) inner = inner.namespace("");
    await inner.set("a", 1);
    expect(await inner.get("a")).toBe(1);
  });

  test("promises what the storage promises that it is in, and closes it", async () => {
    const storage = memoryStorage();
    const encrypted = await open(storage.namespace("n"));
    expect(encrypted.guarantees).toEqual(storage.guarantees);
    await encrypted.set("a", 1);
    await encrypted.get("a");
    await encrypted.close();
    await expect(storage.get("a")).rejects.toMatchObject({ code: "closed" });
  });

  test("rejects when the storage that it is in was closed, also what it has in memory", async () => {
    const storage = memoryStorage();
    const encrypted = await open(storage);
    await encrypted.set("a", 1);
    expect(await encrypted.get("a")).toBe(1);
    await storage.close();
    await expect(encrypted.get("a")).rejects.toMatchObject({ code: "closed" });
    await expect(encrypted.get("a")).rejects.toMatchObject({ code: "closed" });
    await expect(encrypted.set("a", 2)).rejects.toMatchObject({ code: "closed" });
  });

  test("leaves the storage open when it cannot be opened", async () => {
    const storage = memoryStorage();
    await open(storage);
    await expect(open(storage, otherKey)).rejects.toMatchObject({ code: "wrong-key" });
    expect(await namesIn(storage)).toHaveLength(1);
  });

  test("in a file is opened by the right secret after a wrong one, with the file as it is or opened again", async () => {
    const path = join(await temporaryFolder(), "a.log");
    const before = await open(await fileStorage(path));
    await before.set("a", 1);
    await before.close();
    const file = await fileStorage(path);
    await expect(open(file, otherKey)).rejects.toMatchObject({ code: "wrong-key" });
    await expect(fileStorage(path)).rejects.toMatchObject({ code: "locked" });
    await using same = await open(file);
    expect(await same.get("a")).toBe(1);
    await same.close();
    const again = await fileStorage(path);
    await expect(open(again, otherKey)).rejects.toMatchObject({ code: "wrong-key" });
    await again.close();
    await using other = await open(await fileStorage(path));
    expect(await other.get("a")).toBe(1);
  });

  test("says that a page without cryptography cannot have one", async () => {
    vi.spyOn(cryptography, "isThere").mockReturnValue(false);
    await expect(open(memoryStorage())).rejects.toMatchObject({ message: expect.stringContaining("HTTPS") });
  });
});
