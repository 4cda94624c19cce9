// A storage: made of what the application has, or in memory.
export type { Storage, StorageReader, StorageValue, Transaction, TransactionOptions } from "./storage.js";
export { memoryStorage } from "./memory.js";
export { type StorageLike, toStorage } from "./to-storage.js";
export type { KeyvLike } from "./keyv/keyv-engine.js";
export { StorageError, type StorageErrorCode } from "./storage-error.js";

// Something that one holder at a time does.
export type { Lease, LeaseOptions } from "./storage.js";

// All of a storage as text, and from one version of an application to the next.
export { exportStorage, type TransferOptions } from "./export-storage.js";
export { importStorage } from "./import-storage.js";
export { type Migration, migrate, schemaVersionKey } from "./migrate.js";

// For another database: what to write, and what makes a storage of it.
export { createStorage } from "./create-storage.js";
export type { StoreOptions } from "./store.js";
export type { Commit, StorageEngine, StorageGuarantees } from "./engine.js";
