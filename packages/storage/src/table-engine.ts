import type { StorageEngine } from "./engine.js";
import { Table } from "./table.js";

const nothing: readonly string[] = [];

/** The engine of a table in memory that nobody else writes to. */
export function tableEngine(table: Table = new Table()): StorageEngine & { takeChanges(): readonly string[] } {
  return {
    guarantees: { durability: "nothing", sharing: "nobody" },
    takeChanges: () => nothing,
    read: async (keys) => table.read(keys),
    scan: async (prefix, after, limit) => table.scan(prefix, after, limit),
    commit: async (commits) => commits.map((commit) => table.apply(commit)),
    close: async () => {},
  };
}
