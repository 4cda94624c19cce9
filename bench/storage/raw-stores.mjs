// What an application would write that uses the driver itself: the same packages, settings and values as @mx/storage. They have
// `set`, `setAll`, `get`, `update` (read a value and write another one, in one transaction) and `close`.
import fs from "node:fs";
import { createRequire } from "node:module";
import { newFolder } from "./places.mjs";

const require = createRequire(new URL("../../packages/storage/package.json", import.meta.url));

/** Appends to a file, and keeps all in a `Map`. */
export async function rawFile(durability) {
  const file = fs.openSync(`${newFolder()}/raw.log`, "a", 0o600);
  const values = new Map();
  function append(text) {
    fs.writeSync(file, text);
    if (durability === "power-loss") fs.fdatasyncSync(file);
  }
  function set(key, value) {
    const json = JSON.stringify(value);
    append(`${JSON.stringify(key)} ${json}\n`);
    values.set(key, json);
  }
  return {
    set,
    setAll(entries) {
      let text = "";
      for (const [key, value] of entries) {
        const json = JSON.stringify(value);
        text += `${JSON.stringify(key)} ${json}\n`;
        values.set(key, json);
      }
      append(text);
    },
    get: (key) => JSON.parse(values.get(key)),
    update(key, change) {
      set(key, change(JSON.parse(values.get(key))));
    },
    close: () => fs.closeSync(file),
  };
}

/** The driver that the storage uses on this Node, with its pragmas, and a table like that of the storage. */
export async function rawSqlite(durability) {
  const builtIn = process.getBuiltinModule("node:sqlite");
  const Database = builtIn?.DatabaseSync ?? require("libsql");
  const database = new Database(`${newFolder()}/raw.db`);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${durability === "power-loss" ? "FULL" : "NORMAL"}`);
  database.exec("CREATE TABLE entries (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID");
  const upsert = database.prepare(
    "INSERT INTO entries (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  const select = database.prepare("SELECT value FROM entries WHERE key = ?");
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const get = (key) => JSON.parse(select.get(key).value);
  const set = (key, value) => void upsert.run(key, JSON.stringify(value));
  return {
    set,
    setAll(entries) {
      begin.run();
      for (const [key, value] of entries) set(key, value);
      commit.run();
    },
    get,
    update(key, change) {
      begin.run();
      set(key, change(get(key)));
      commit.run();
    },
    close: () => database.close(),
  };
}

/** One connection of @redis/client, a Redis key for each key. Commands of one moment are sent together. */
export async function rawRedis(url) {
  const { createClient } = require("@redis/client");
  const client = await createClient({ url }).connect();
  const prefix = `raw ${process.pid} `;
  const set = (key, value) => client.set(prefix + key, JSON.stringify(value));
  const get = async (key) => JSON.parse(await client.get(prefix + key));
  return {
    set,
    setAll: (entries) => Promise.all(entries.map(([key, value]) => set(key, value))),
    get,
    async update(key, change) {
      await client.watch(prefix + key);
      const value = change(await get(key));
      await client
        .multi()
        .set(prefix + key, JSON.stringify(value))
        .exec();
    },
    close: () => client.destroy(),
  };
}
