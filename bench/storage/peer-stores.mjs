// The stores of Keyv, as their documentation sets them up.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { newFolder } from "./places.mjs";

const compiled = new URL("../compiled-peers/", import.meta.url);
const [major] = process.versions.node.split(".").map(Number);

/** @keyv/sqlite 6 uses the SQLite of Node; the one before needs "sqlite3", which is compiled when it is installed. */
const usesBuiltIn = major >= 22 && process.getBuiltinModule("node:sqlite") !== undefined;

/** Why @keyv/sqlite is left out, if it is. */
export const missingKeyvSqlite =
  usesBuiltIn || existsSync(new URL("node_modules/sqlite3/build/Release/node_sqlite3.node", compiled))
    ? undefined
    : '@keyv/sqlite needs "sqlite3" on this Node, which must be compiled: run it with --compile-peers (a compiler, Python and ' +
      "Node's headers are needed, and two minutes), or use Node 22.18 or later";

export function keyvFile() {
  return openKeyvFile(join(newFolder(), "keyv.json"));
}

export async function openKeyvFile(filename) {
  const { Keyv } = await import("keyv-5");
  const { KeyvFile } = await import("keyv-file");
  const store = new KeyvFile({ filename });
  return asStore(new Keyv({ store }));
}

export async function keyvSqlite() {
  const place = `sqlite://${join(newFolder(), "keyv.db")}`;
  if (usesBuiltIn) {
    const [{ Keyv }, { KeyvSqlite }] = await Promise.all([import("keyv"), import("@keyv/sqlite")]);
    return asStore(new Keyv({ store: new KeyvSqlite({ uri: place, driver: "node:sqlite" }) }));
  }
  const require = createRequire(new URL("package.json", compiled));
  const [{ Keyv }, { default: KeyvSqlite }] = await Promise.all(
    ["keyv", "@keyv/sqlite"].map((name) => import(pathToFileURL(require.resolve(name)).href)),
  );
  const Store = KeyvSqlite.default ?? KeyvSqlite;
  return asStore(new Keyv({ store: new Store(place) }));
}

function asStore(keyv) {
  return {
    set: async (key, value) => {
      if ((await keyv.set(key, value)) !== true) throw new Error("a value was not set");
    },
    setAll: (entries) => keyv.setMany(entries.map(([key, value]) => ({ key, value }))),
    get: (key) => keyv.get(key),
    close: () => keyv.disconnect(),
  };
}
