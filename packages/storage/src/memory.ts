import { createStorage } from "./create-storage.js";
import type { Storage } from "./storage.js";
import type { StoreOptions } from "./store.js";
import { tableEngine } from "./table-engine.js";

/** A storage in memory: it is gone with the process, or as soon as nothing holds it. */
export function memoryStorage(options: StoreOptions = {}): Storage {
  return createStorage(tableEngine(), options);
}
