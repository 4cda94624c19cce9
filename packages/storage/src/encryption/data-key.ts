import { toBase64 } from "../base64.js";
import { cryptography } from "../env.js";
import { type Secret, unwrap, wrap } from "./secret.js";
import type { KeyRecord } from "./key-record.js";

const lengthBytes = 32;

/**
 * The key with which everything in a storage is encrypted. It is chosen by chance once, and stored encrypted with the
 * secret of the application: so there can be another secret without anything else being written anew.
 */
export class DataKey {
  readonly #bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  static random(): DataKey {
    return new DataKey(cryptography.randomBytes(lengthBytes));
  }

  static async unwrap(record: KeyRecord, secret: Secret): Promise<DataKey> {
    return new DataKey(await unwrap(record, secret));
  }

  wrap(secret: Secret, iterations: number): Promise<KeyRecord> {
    return wrap(this.#bytes, secret, iterations);
  }

  /** A key for one purpose, of which nothing about this key or any other can be computed. */
  async derive(purpose: "encryption" | "nonce" | "mark"): Promise<Uint8Array> {
    const { subtle } = cryptography;
    const key = await subtle.importKey("raw", this.#bytes, "HKDF", false, ["deriveBits"]);
    const info = new TextEncoder().encode(`@mx/storage ${purpose}`);
    const bits = await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info }, key, 256);
    return new Uint8Array(bits);
  }

  /** What tells this key from others, and nothing about it. */
  async mark(): Promise<string> {
    return JSON.stringify(toBase64(await this.derive("mark")));
  }
}
