import type { KeyObject } from "node:crypto";
import type { NodeCryptography } from "../env.js";
import { nonceBytes, type Sealer, tagBytes } from "./sealer.js";

const algorithm = "aes-256-gcm";

/** Encrypts with the cryptography of Node. */
export class NodeSealer implements Sealer {
  readonly #node: NodeCryptography;
  readonly #encryptionKey: KeyObject;
  readonly #nonceKey: KeyObject;

  constructor(node: NodeCryptography, encryptionKey: Uint8Array, nonceKey: Uint8Array) {
    this.#node = node;
    this.#encryptionKey = node.createSecretKey(encryptionKey);
    this.#nonceKey = node.createSecretKey(nonceKey);
  }

  seal(place: string, text: string): string {
    const placeBytes = Buffer.from(place);
    const nonce = this.#nonceOf(placeBytes, text);
    const cipher = this.#node.createCipheriv(algorithm, this.#encryptionKey, nonce);
    cipher.setAAD(placeBytes);
    const encrypted = cipher.update(text, "utf8");
    cipher.final();
    return Buffer.concat([nonce, encrypted, cipher.getAuthTag()]).toString("base64url");
  }

  open(place: string, sealed: string): string | undefined {
    const bytes = Buffer.from(sealed, "base64url");
    // Node reads other spellings of the same bytes as well.
    if (bytes.length < nonceBytes + tagBytes || bytes.toString("base64url") !== sealed) return undefined;
    const nonce = bytes.subarray(0, nonceBytes);
    const decipher = this.#node.createDecipheriv(algorithm, this.#encryptionKey, nonce, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    const text = decipher.update(bytes.subarray(nonceBytes, -tagBytes));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return text.toString("utf8");
  }

  #nonceOf(place: Buffer, text: string): Buffer {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(place.length);
    const hmac = this.#node.createHmac("sha256", this.#nonceKey);
    return hmac.update(length).update(place).update(text, "utf8").digest().subarray(0, nonceBytes);
  }
}
