import type { StorageEngine } from "../engine.js";
import { Lazy } from "../lazy.js";
import type { KeyvLike } from "./keyv-engine.js";
import { keyvGuarantees } from "./keyv-guarantees.js";

/** The engine on `keyv`, loaded when it is first used: a page whose storage is no Keyv never downloads it. */
export function lazyKeyvEngine(
  keyv: KeyvLike,
  load: () => Promise<typeof import("./keyv-engine.js")> = () => import("./keyv-engine.js"),
): StorageEngine {
  const engine = new Lazy(async () => (await load()).keyvEngine(keyv));
  return {
    guarantees: keyvGuarantees,
    read: async (keys) => (await engine.get()).read(keys),
    scan: async (prefix, after, limit) => (await engine.get()).scan(prefix, after, limit),
    commit: async (commits) => (await engine.get()).commit(commits),
    // It is not loaded only to be closed.
    close: async () => (engine.made === undefined ? keyv.disconnect() : (await engine.made).close()),
  };
}
