import { decode, encodeStored } from "./codec.js";
import { compareCodePoints } from "./code-points.js";
import type { Commit, StorageEngine } from "./engine.js";
import { rowsOf } from "./rows.js";

/**
 * Keeps decoded values in the user's `Map`. Nothing is remembered beside it, so that several storages may share one
 * Map, and whoever holds it may change it; the price is that every page of a listing looks at all keys.
 */
export function mapEngine(map: Map<string, unknown>): StorageEngine {
  const read = (key: string): string | undefined => {
    const value = map.get(key);
    return value === undefined ? undefined : encodeStored(value);
  };
  const apply = ({ expected, cleared, written }: Commit): boolean => {
    for (const [key, value] of expected) {
      if (read(key) !== value) return false;
    }
    for (const prefix of cleared) {
      for (const key of map.keys()) {
        if (key.startsWith(prefix)) map.delete(key);
      }
    }
    for (const [key, value] of written) {
      if (value === undefined) map.delete(key);
      else map.set(key, decode(value));
    }
    return true;
  };
  return {
    guarantees: { durability: "nothing", sharing: "process" },
    read: async (keys) => keys.map(read),
    scan: async (prefix, after, limit) => {
      const ahead = [...map.keys()].filter((key) => key.startsWith(prefix) && compareCodePoints(key, after) > 0);
      const keys = ahead.toSorted(compareCodePoints).slice(0, limit);
      return rowsOf(keys, keys.map(read));
    },
    commit: async (commits) => commits.map(apply),
    close: async () => {},
  };
}
