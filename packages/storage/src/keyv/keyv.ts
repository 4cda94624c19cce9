// A storage on a Keyv, and a Keyv on a storage.
export { fromKeyv } from "./from-keyv.js";
export type { KeyvLike } from "./keyv-engine.js";
export { type KeyvEntry, type KeyvStore, keyvStore } from "./keyv-store.js";
