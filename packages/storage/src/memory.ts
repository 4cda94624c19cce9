import { createStorage } from "./create-storage.js";
import type { Storage } from "./storage.js";
import type { StoreOptions } from "./store.js";
import { Table } from "./table.js";

/** A storage in memory: it is gone with the process, or as soon as nothing holds it. */
export function memoryStorage(options: StoreOptions = {}): Storage {
  const table = new Table();
  const nothing: string[] = [];
  return createStorage(
    {
      guarantees: { durability: "nothing", sharing: "nobody" },
      takeChanges: () => nothing,
      read: async (keys) => table.read(keys),
      scan: async (prefix, after, limit) => table.scan(prefix, after, limit),
      commit: async (commits) => commits.map((commit) => table.apply(commit)),
      close: async () => {},
    },
    options,
  );
}
