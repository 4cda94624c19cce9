export { encryptedStorage, type EncryptionOptions, rotateKey } from "./encrypted-storage.js";
export type { AesKey, KeyProvider, Secret } from "./secret.js";
