import { createStorage, placeOf } from "../create-storage.js";
import { cryptography } from "../env.js";
import { StorageError } from "../storage-error.js";
import type { Storage } from "../storage.js";
import type { Store, StoreOptions } from "../store.js";
import type { DataKey } from "./data-key.js";
import { EncryptedEngine } from "./encrypted-engine.js";
import { makeSealer } from "./make-sealer.js";
import type { Secret } from "./secret.js";
import { StoredKey } from "./stored-key.js";

/** What can be chosen about an encrypted storage. */
export type EncryptionOptions = StoreOptions;

/** What the parts of this file tell each other about an encrypted storage that is open. */
interface Opened {
  readonly storedKey: StoredKey;
  readonly dataKey: DataKey;
}

const opened = new WeakMap<Store, Opened>();

/** For PBKDF2 with SHA-256: what OWASP advises (2023). It takes a fraction of a second, once, when it is opened. */
const defaultIterations = 600_000;

/**
 * Opens the encrypted storage in `storage`, or makes one where `storage`, which may be a namespace, is empty. Keys, names
 * of namespaces and values are encrypted with AES-256-GCM, and with a key that is stored encrypted with `secret`; a
 * passphrase goes through PBKDF2 with SHA-256 first. It promises what `storage` does, owns it once it is open, and
 * closes it when it is closed.
 *
 * Whoever has what is stored, and not the secret, can neither read it nor change it into anything else unnoticed: that
 * rejects with a `StorageError` of code `damaged`. They can:
 * - see how many namespaces and entries there are, which are in which, and how long each name and value is;
 * - see, in copies from different times, which entries were written, and whether one has the value that it once had;
 * - remove an entry, or put back one, or all, of which they have a copy;
 * - swap all of it with another encrypted storage that has the same secret: give each one of its own.
 *
 * What is in memory is not protected. The first listing of a namespace, of its keys or of the namespaces in it, reads all
 * names inside it. They are kept until somebody else writes to it; where machines share the store, for one listing.
 *
 * Rejects with a `StorageError` of code `wrong-key` when it was encrypted with another secret, `damaged` when the stored
 * key is not as it was written, and `misuse` when there is anything else in `storage`. Whenever it rejects,
 * `storage` is still its caller's, and open, which keeps a file locked: try again with the same one, or close it.
 */
export function encryptedStorage(storage: Storage, secret: Secret, options: EncryptionOptions = {}): Promise<Storage> {
  return openEncrypted(storage, secret, defaultIterations, options);
}

/**
 * Encrypts the key of an encrypted storage that is open with another secret, in one step: from then on `secret` opens
 * it, and the one before does not. Nothing else is written anew: whoever has a copy of the store from before, and the
 * secret from before, can read what is written later, too. Against them, export it, and import it into a new one.
 */
export async function rotateKey(storage: Storage, secret: Secret): Promise<void> {
  const found = opened.get(placeOf(storage).store);
  if (found === undefined) throw new TypeError("Cannot change the secret of a storage that is not encrypted");
  await found.storedKey.rewrap(found.dataKey, secret);
}

/** With the iterations that PBKDF2 is to make: a test has no time for so many. */
export async function openEncrypted(
  storage: Storage,
  secret: Secret,
  iterations: number,
  options: EncryptionOptions = {},
): Promise<Storage> {
  if (!cryptography.isThere()) {
    throw new StorageError("Cannot open the encrypted storage: this page has no cryptography; load it over HTTPS");
  }
  const storedKey = new StoredKey(storage, iterations);
  const dataKey = await storedKey.open(secret);
  const { store, prefix, entriesPrefix } = storedKey;
  const mark = await storedKey.expectation(dataKey);
  const engine = new EncryptedEngine({ storage, store, prefix, entriesPrefix, mark }, await makeSealer(dataKey));
  const encrypted = createStorage(engine, options);
  opened.set(placeOf(encrypted).store, { storedKey, dataKey });
  return encrypted;
}
