import type { webcrypto } from "node:crypto";
import { fromBase64, toBase64 } from "../base64.js";
import { cryptography } from "../env.js";
import { nonceBytes, type Sealer, tagBytes } from "./sealer.js";

const encoder = new TextEncoder();
/** A text may begin with what a decoder takes for a mark of the encoding. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Encrypts with the cryptography of the web. */
export class WebSealer implements Sealer {
  readonly #encryptionKey: webcrypto.CryptoKey;
  readonly #nonceKey: webcrypto.CryptoKey;

  private constructor(encryptionKey: webcrypto.CryptoKey, nonceKey: webcrypto.CryptoKey) {
    this.#encryptionKey = encryptionKey;
    this.#nonceKey = nonceKey;
  }

  static async make(encryptionKey: Uint8Array, nonceKey: Uint8Array): Promise<WebSealer> {
    const { subtle } = cryptography;
    return new WebSealer(
      await subtle.importKey("raw", encryptionKey, "AES-GCM", false, ["encrypt", "decrypt"]),
      await subtle.importKey("raw", nonceKey, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]),
    );
  }

  async seal(place: string, text: string): Promise<string> {
    const placeBytes = encoder.encode(place);
    const textBytes = encoder.encode(text);
    const nonce = await this.#nonceOf(placeBytes, textBytes);
    const encrypted = await cryptography.subtle.encrypt(
      { name: "AES-GCM", iv: nonce, additionalData: placeBytes, tagLength: 8 * tagBytes },
      this.#encryptionKey,
      textBytes,
    );
    return toBase64Url(joined(nonce, new Uint8Array(encrypted)));
  }

  async open(place: string, sealed: string): Promise<string | undefined> {
    const bytes = fromBase64Url(sealed);
    if (bytes === undefined || bytes.length < nonceBytes + tagBytes) return undefined;
    const nonce = bytes.subarray(0, nonceBytes);
    const additionalData = encoder.encode(place);
    try {
      const text = await cryptography.subtle.decrypt(
        { name: "AES-GCM", iv: nonce, additionalData, tagLength: 8 * tagBytes },
        this.#encryptionKey,
        bytes.subarray(nonceBytes),
      );
      return decoder.decode(text);
    } catch {
      return undefined;
    }
  }

  async #nonceOf(place: Uint8Array, text: Uint8Array): Promise<Uint8Array> {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, place.length);
    const signature = await cryptography.subtle.sign("HMAC", this.#nonceKey, joined(length, place, text));
    return new Uint8Array(signature, 0, nonceBytes);
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let start = 0;
  for (const part of parts) {
    bytes.set(part, start);
    start += part.length;
  }
  return bytes;
}

function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** `undefined` when `toBase64Url` has not written `text`. */
function fromBase64Url(text: string): Uint8Array | undefined {
  try {
    const bytes = fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
    return toBase64Url(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}
