import type { webcrypto } from "node:crypto";
import { fromBase64, toBase64 } from "../base64.js";
import { cryptography } from "../env.js";
import { StorageError } from "../storage-error.js";
import { damagedKey, type KeyRecord } from "./key-record.js";

/** What a storage is encrypted with: a key of 32 bytes, the same as a `CryptoKey`, a passphrase, or a provider. */
export type Secret = Uint8Array | AesKey | string | KeyProvider;

/** A `CryptoKey` for AES-GCM with 256 bits that may encrypt and decrypt. It need not be extractable. */
export interface AesKey {
  readonly type: string;
  readonly algorithm: { readonly name: string };
  readonly usages: readonly string[];
}

/** Guards the key of a storage with a key of its own, which the application never sees: a keychain, or a key service. */
export interface KeyProvider {
  /** Encrypts the 32 bytes of `key`; what it gives is stored beside the data, for everybody to read. */
  wrap(key: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Decrypts what `wrap` gave. */
  unwrap(wrapped: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

const keyBytes = 32;
const nonceBytes = 12;
const saltBytes = 16;

/**
 * The secret as it is now: whoever gave it may overwrite its bytes at once. Throws a `TypeError`, without the secret,
 * when it is none.
 */
export function takeSecret(secret: Secret): Secret {
  const problem = problemOf(secret);
  if (problem !== undefined) throw new TypeError(`Cannot encrypt a storage: ${problem}`);
  return secret instanceof Uint8Array ? copyOf(secret) : secret;
}

/** Encrypts `dataKey`. `iterations` are those of PBKDF2, for a passphrase. */
export async function wrap(dataKey: Uint8Array, secret: Secret, iterations: number): Promise<KeyRecord> {
  if (typeof secret === "string") {
    const salt = cryptography.randomBytes(saltBytes);
    const wrapped = await encrypt(dataKey, await keyOfPassphrase(secret, salt, iterations));
    return { kind: "passphrase", wrapped, salt: toBase64(salt), iterations };
  }
  if (isProvider(secret)) return { kind: "provider", wrapped: toBase64(await ask(() => secret.wrap(copyOf(dataKey)))) };
  return { kind: "key", wrapped: await encrypt(dataKey, await aesKeyOf(secret)) };
}

/** Decrypts what `wrap` gave. Rejects with a `StorageError` of code `wrong-key` when that was with another secret. */
export async function unwrap(record: KeyRecord, secret: Secret): Promise<Uint8Array> {
  const { kind } = record;
  const wrapped = bytesOf(record.wrapped);
  if (kind === "provider" && isProvider(secret)) {
    const dataKey = await ask(() => secret.unwrap(wrapped));
    if (dataKey.length === keyBytes) return copyOf(dataKey);
    throw wrongKey("the provider does not give its key");
  }
  if (kind === "passphrase" && typeof secret === "string") {
    return decrypt(wrapped, await keyOfPassphrase(secret, bytesOf(record.salt), record.iterations), kind);
  }
  if (kind === "key" && typeof secret !== "string" && !isProvider(secret)) {
    return decrypt(wrapped, await aesKeyOf(secret), kind);
  }
  throw wrongKey(`it was encrypted with a ${kind}, and something else was given`);
}

export function wrongKey(problem: string): StorageError {
  return new StorageError(`Cannot open the encrypted storage: ${problem}; give the one that it was encrypted with`, {
    code: "wrong-key",
  });
}

function problemOf(secret: unknown): string | undefined {
  if (typeof secret === "string") return secret === "" ? "the passphrase is empty" : undefined;
  if (secret instanceof Uint8Array) {
    return secret.length === keyBytes ? undefined : `the key has ${secret.length} bytes; give ${keyBytes}`;
  }
  if (isCryptoKey(secret)) return isFit(secret) ? undefined : "the CryptoKey is none for AES-GCM with 256 bits";
  return isProvider(secret) ? undefined : "what was given is no key, no passphrase and no provider";
}

function isProvider(secret: unknown): secret is KeyProvider {
  return (
    typeof secret === "object" &&
    secret !== null &&
    "wrap" in secret &&
    "unwrap" in secret &&
    typeof secret.wrap === "function" &&
    typeof secret.unwrap === "function"
  );
}

function isCryptoKey(secret: unknown): secret is webcrypto.CryptoKey {
  return typeof secret === "object" && secret !== null && Reflect.get(secret, Symbol.toStringTag) === "CryptoKey";
}

function isFit({ algorithm, usages }: webcrypto.CryptoKey): boolean {
  const has256Bits = "length" in algorithm && algorithm.length === 8 * keyBytes;
  return algorithm.name === "AES-GCM" && has256Bits && usages.includes("encrypt") && usages.includes("decrypt");
}

async function aesKeyOf(secret: Uint8Array | AesKey): Promise<webcrypto.CryptoKey> {
  if (secret instanceof Uint8Array) return importKey(secret);
  if (isCryptoKey(secret)) return secret;
  throw new TypeError("Cannot encrypt a storage: the key is no CryptoKey");
}

/** However its characters are composed: keyboards differ in that. */
async function keyOfPassphrase(passphrase: string, salt: Uint8Array, iterations: number): Promise<webcrypto.CryptoKey> {
  const { subtle } = cryptography;
  const bytes = new TextEncoder().encode(passphrase.normalize("NFKC"));
  const material = await subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
  const parameters = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return importKey(new Uint8Array(await subtle.deriveBits(parameters, material, 8 * keyBytes)));
}

function importKey(bytes: Uint8Array): Promise<webcrypto.CryptoKey> {
  return cryptography.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** The nonce and the encrypted key, in base64. */
async function encrypt(dataKey: Uint8Array, key: webcrypto.CryptoKey): Promise<string> {
  const iv = cryptography.randomBytes(nonceBytes);
  const encrypted = await cryptography.subtle.encrypt({ name: "AES-GCM", iv }, key, dataKey);
  return toBase64(Uint8Array.of(...iv, ...new Uint8Array(encrypted)));
}

async function decrypt(wrapped: Uint8Array, key: webcrypto.CryptoKey, kind: string): Promise<Uint8Array> {
  const iv = wrapped.subarray(0, nonceBytes);
  try {
    const dataKey = await cryptography.subtle.decrypt({ name: "AES-GCM", iv }, key, wrapped.subarray(nonceBytes));
    return new Uint8Array(dataKey);
  } catch {
    throw wrongKey(`the ${kind} is wrong`);
  }
}

async function ask(provider: () => Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
  let answer: unknown;
  try {
    answer = await provider();
  } catch (cause) {
    // Not with its text: nobody knows what is in it.
    throw new StorageError("Cannot open the encrypted storage: the provider of its key has failed", { cause });
  }
  if (answer instanceof Uint8Array) return answer;
  throw new TypeError("Cannot open the encrypted storage: the provider of its key has given no Uint8Array");
}

/** The `slice` of a Buffer is no copy. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

/** The checksum was right, so this was written like that. */
function bytesOf(base64: string): Uint8Array {
  try {
    return fromBase64(base64);
  } catch {
    throw damagedKey();
  }
}
