import { createStorage } from "../create-storage.js";
import type { Storage } from "../storage.js";
import { type KeyvLike, keyvEngine } from "./keyv-engine.js";

/**
 * Makes a storage of a Keyv 5 or 6 with any adapter, as `toStorage` does. A failure of the Keyv rejects, whatever it is
 * set to do with failures. What a write survives is up to its adapter, and only one storage at a time may use it (see
 * `guarantees`). Closing the storage disconnects the Keyv.
 */
export function fromKeyv(keyv: KeyvLike): Storage {
  return createStorage(keyvEngine(keyv));
}
