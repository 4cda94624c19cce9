import { join } from "node:path";
import { afterEach, describe, test, vi } from "vitest";
import { type ContractFixture, inNamespace, storageContract } from "../contract.js";
import { createStorage } from "../create-storage.js";
import { cryptography } from "../env.js";
import { sqliteStorage } from "../sqlite/sqlite-storage.js";
import type { Storage } from "../storage.js";
import { tableEngine } from "../table-engine.js";
import { Table } from "../table.js";
import { checkModel } from "../testing/check-model.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { toStorage } from "../to-storage.js";
import { encryptedStorage } from "./encrypted-storage.js";

const key = new Uint8Array(32).fill(7);

function encrypted(store: ContractFixture, place = (storage: Storage) => storage): ContractFixture {
  return { ...store, open: async () => encryptedStorage(place(await store.open()), key) };
}

async function inSqlite(): Promise<ContractFixture> {
  const path = join(await temporaryFolder(), "storage.db");
  return { open: () => sqliteStorage(path), isDurable: true, isShared: true };
}

/** In memory, and still there after it was closed. */
function inTable(): ContractFixture {
  const table = new Table();
  return { open: async () => createStorage(tableEngine(table)), isDurable: true, isShared: false };
}

function onMap(): ContractFixture {
  const map = new Map<string, unknown>();
  return { open: async () => toStorage(map), isDurable: true, isShared: true };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("an encrypted storage in memory", () => {
  test.each(storageContract)("$behaviour", ({ check }) => check(encrypted(inTable())));
});

describe("a namespace of an encrypted storage in one of a Map, with the cryptography of the web", () => {
  test.each(storageContract)("$behaviour", async ({ check }) => {
    vi.spyOn(cryptography, "node").mockReturnValue(undefined);
    await check(inNamespace(encrypted(onMap(), (storage) => storage.namespace("a/b").namespace("=%"))));
  });
});

describe("an encrypted storage does what a plain object does, whatever happens:", () => {
  test("in memory", async () => {
    await checkModel(() => encrypted(inTable()), 30);
  });

  test("in SQLite, opened twice", async () => {
    await checkModel(async () => encrypted(await inSqlite()), 6);
  });
});
