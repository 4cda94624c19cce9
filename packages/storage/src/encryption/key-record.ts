import { toBase64 } from "../base64.js";
import { cryptography } from "../env.js";
import { StorageError } from "../storage-error.js";

/** The version of the whole format: of this record, of names, and of values. */
const format = 1;

/** More than this takes a minute: nobody has chosen it. */
const maxIterations = 100_000_000;

/** A data key, encrypted with a secret; and what is needed to decrypt it, but for the secret. */
export type KeyRecord =
  | { readonly kind: "key" | "provider"; readonly wrapped: string }
  | { readonly kind: "passphrase"; readonly wrapped: string; readonly salt: string; readonly iterations: number };

/**
 * Writes a record down with a checksum, which every format has: it tells a damaged record from a wrong secret. It is not
 * for those who change it on purpose; they get no more than an error that is wrong.
 */
export async function encodeRecord(record: KeyRecord): Promise<string> {
  const body = JSON.stringify({ format, ...record });
  return JSON.stringify([body, await checksumOf(body)]);
}

/** Reads what `encodeRecord` has written. Rejects with a `StorageError` of code `damaged` or `newer-format`. */
export async function decodeRecord(text: string): Promise<KeyRecord> {
  const fields = fieldsOf(await bodyOf(text));
  if (typeof fields["format"] === "number" && fields["format"] > format) {
    throw new StorageError(
      `Cannot open the encrypted storage: its format is version ${fields["format"]}, and this program knows ${format}; ` +
        "update @mx/storage",
      { code: "newer-format" },
    );
  }
  const { kind, wrapped, salt, iterations } = fields;
  if (fields["format"] === format && typeof wrapped === "string") {
    if (kind === "key" || kind === "provider") return { kind, wrapped };
    const isCounted = typeof iterations === "number" && iterations >= 1 && iterations <= maxIterations;
    if (kind === "passphrase" && typeof salt === "string" && isCounted) return { kind, wrapped, salt, iterations };
  }
  throw damagedKey();
}

/** The error for a key that is not there as it was written. */
export function damagedKey(): StorageError {
  return new StorageError(
    "Cannot open the encrypted storage: its key is damaged, or a part of it is missing; restore a copy of the storage",
    { code: "damaged" },
  );
}

async function bodyOf(text: string): Promise<string> {
  const parts = parsed(text);
  if (Array.isArray(parts) && parts.length === 2) {
    const [body, checksum]: unknown[] = parts;
    if (typeof body === "string" && checksum === (await checksumOf(body))) return body;
  }
  throw damagedKey();
}

function fieldsOf(body: string): Record<string, unknown> {
  const fields = parsed(body);
  if (typeof fields !== "object" || fields === null) throw damagedKey();
  return { ...fields };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damagedKey();
  }
}

async function checksumOf(text: string): Promise<string> {
  return toBase64(new Uint8Array(await cryptography.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}
