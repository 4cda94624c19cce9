/*
 * Where the encrypted storage is in the one that it is given, which has nothing else to begin with:
 *
 * 1. All of it is in one namespace, so that the storage shows that it is there, and can be cleared, exported and
 *    imported without the secret. Nothing in it is readable.
 * 2. The entry `key` is the key with which everything is encrypted, encrypted with the secret. Another secret changes
 *    this entry alone.
 * 3. The entry `mark` says which key it is, and never changes. Each commit expects it: so nothing is written with a key
 *    that somebody has meanwhile cleared, which nobody could ever read. It is read with all that is read: with another
 *    key, nothing would be found, and that would look like "no value".
 * 4. The entries are in the namespace `entries`.
 */
import { placeOf } from "../create-storage.js";
import { encryptedName, fullKey, namespacePrefix } from "../full-key.js";
import { StorageError } from "../storage-error.js";
import type { Storage } from "../storage.js";
import type { Store } from "../store.js";
import { requireNoUnfinishedImport } from "../unfinished-import.js";
import { DataKey } from "./data-key.js";
import { damagedKey, decodeRecord, encodeRecord } from "./key-record.js";
import { type Secret, takeSecret, wrongKey } from "./secret.js";

/** The key of an encrypted storage, as it is stored. */
export class StoredKey {
  readonly store: Store;
  /** Where all of it is. */
  readonly prefix: string;
  readonly entriesPrefix: string;
  readonly #storage: Storage;
  readonly #recordKey: string;
  readonly #markKey: string;
  readonly #iterations: number;

  /** In `storage`; `iterations` are those of PBKDF2. */
  constructor(storage: Storage, iterations: number) {
    const { store, prefix: outerPrefix } = placeOf(storage);
    this.store = store;
    this.prefix = namespacePrefix(outerPrefix, encryptedName);
    this.entriesPrefix = namespacePrefix(this.prefix, "entries");
    this.#storage = storage;
    this.#recordKey = fullKey(this.prefix, "key");
    this.#markKey = fullKey(this.prefix, "mark");
    this.#iterations = iterations;
  }

  /** Decrypts the key with `secret`, or chooses one if there is none. */
  async open(secret: Secret): Promise<DataKey> {
    const own = takeSecret(secret);
    const [record, mark] = await this.store.readStored([this.#recordKey, this.#markKey]);
    await requireNoUnfinishedImport(this.#storage, "open the encrypted storage");
    if (record === undefined && mark === undefined) return (await this.#make(own)) ?? this.open(own);
    if (record === undefined || mark === undefined) throw damagedKey();
    const decoded = await decodeRecord(record);
    const dataKey = await DataKey.unwrap(decoded, own);
    if ((await dataKey.mark()) === mark) return dataKey;
    throw decoded.kind === "provider" ? wrongKey("the provider gives another key") : damagedKey();
  }

  /** Encrypts the key that is stored with another secret. */
  async rewrap(dataKey: DataKey, secret: Secret): Promise<void> {
    const own = takeSecret(secret);
    const [record] = await this.store.readStored([this.#recordKey]);
    if (record === undefined) throw damagedKey();
    // It may be one of a later version.
    await decodeRecord(record);
    const next = await encodeRecord(await dataKey.wrap(own, this.#iterations));
    const [markKey, mark] = await this.expectation(dataKey);
    const isMade = await this.store.commit({
      expected: new Map([
        [this.#recordKey, record],
        [markKey, mark],
      ]),
      cleared: [],
      written: new Map([[this.#recordKey, next]]),
    });
    if (isMade) return;
    throw new StorageError(
      "Cannot change the secret of the encrypted storage: somebody else has changed it meanwhile; try again",
      { code: "conflict" },
    );
  }

  /** What every commit expects: that the key is the one that is stored. */
  async expectation(dataKey: DataKey): Promise<readonly [key: string, value: string]> {
    return [this.#markKey, await dataKey.mark()];
  }

  /** `undefined` when somebody else was faster. */
  async #make(secret: Secret): Promise<DataKey | undefined> {
    if (!(await this.#isEmpty())) return undefined;
    const dataKey = DataKey.random();
    const record = await encodeRecord(await dataKey.wrap(secret, this.#iterations));
    const isMade = await this.store.commit({
      expected: new Map([
        [this.#recordKey, undefined],
        [this.#markKey, undefined],
      ]),
      cleared: [],
      written: new Map([
        [this.#recordKey, record],
        [this.#markKey, await dataKey.mark()],
      ]),
    });
    return isMade ? dataKey : undefined;
  }

  /** Whether nothing is stored; `false` when it is an encrypted storage. Throws when it is anything else. */
  async #isEmpty(): Promise<boolean> {
    for await (const inner of this.#storage.namespaces()) {
      if (inner !== encryptedName) throw notEncrypted();
      const [record] = await this.store.readStored([this.#recordKey]);
      if (record === undefined) throw damagedKey();
      return false;
    }
    for await (const _ of this.#storage.entries()) throw notEncrypted();
    return true;
  }
}

function notEncrypted(): StorageError {
  return new StorageError(
    "Cannot open the encrypted storage: what is stored is not encrypted; export it, and import it into an encrypted " +
      "storage in an empty one, or in an empty namespace",
    { code: "misuse" },
  );
}
