import { clock } from "../env.js";
import { Lazy } from "../lazy.js";
import { StorageError } from "../storage-error.js";
import type { Storage, StorageValue } from "../storage.js";
import { ExpiringEntries } from "./expiring-entries.js";
import { KeyvNamespaces } from "./keyv-namespaces.js";

/** What Keyv 5 and Keyv 6 declare differently. Both leave the type of a value to whoever asks for it. */
// oxlint-disable-next-line typescript/no-explicit-any
type AsKeyvDeclares = any;

/** What a Keyv writes: Keyv 5 says how long it is kept, Keyv 6 until when, in milliseconds. */
export interface KeyvEntry {
  readonly key: string;
  readonly value: AsKeyvDeclares;
  readonly ttl?: number | undefined;
  readonly expires?: number | undefined;
}

/** A storage as the `store` of a Keyv, which calls its methods. They reject when the storage does. */
export interface KeyvStore {
  /** Set by the Keyv; a Keyv 5 reads nothing here. */
  namespace: string | undefined;
  readonly opts: { readonly dialect: string };
  readonly capabilities: { readonly expires: true };
  readonly iterator: () => AsyncGenerator<[key: string, value: AsKeyvDeclares], void>;
  get(key: string): Promise<AsKeyvDeclares>;
  getMany(keys: readonly string[]): Promise<AsKeyvDeclares[]>;
  has(key: string): Promise<boolean>;
  hasMany(keys: readonly string[]): Promise<boolean[]>;
  set(key: string, value: AsKeyvDeclares, lifetime?: number): Promise<boolean>;
  setMany(entries: readonly KeyvEntry[]): Promise<AsKeyvDeclares>;
  delete(key: string): Promise<boolean>;
  /** For a Keyv 6, which of them were there; for a Keyv 5, whether all were. */
  deleteMany(keys: readonly string[]): Promise<AsKeyvDeclares>;
  clear(): Promise<void>;
  disconnect(): Promise<void>;
  /** Nothing is ever emitted: what fails rejects. */
  on(event: string, listener: (...given: never[]) => void): this;
}

/**
 * Makes the `store` of a Keyv 5 or 6 of a storage, or of the function that opens one at the first call:
 *
 * ```ts
 * const keyv = new Keyv({ store: keyvStore(() => sqliteStorage("cache.db")), throwOnErrors: true });
 * ```
 *
 * It keeps everything in the namespace `keyv` of the storage, where each namespace of a Keyv has one of its own. Each
 * Keyv gets a store of its own, too; several of them may share a storage. What many writes at once store is stored as a
 * whole. What has expired is removed.
 *
 * Whatever fails rejects, but a Keyv passes that on only if it is told to: Keyv 5 by `throwOnErrors: true`, Keyv 6 by
 * having no listener for `error`. When the Keyv is disconnected, a storage that was opened here is closed, and one that
 * was given is left open.
 */
export function keyvStore(storage: Storage | (() => Promise<Storage>)): KeyvStore {
  return new StorageKeyvStore(storage);
}

/** Where in the storage: what else is there is not to meet the namespaces of a Keyv. */
const place = "keyv";

class StorageKeyvStore implements KeyvStore {
  readonly #storage: Lazy<Storage>;
  readonly #isOpenedHere: boolean;
  #isDisconnected = false;
  readonly #namespaces = new KeyvNamespaces();
  readonly #entries = new Map<string, ExpiringEntries>();

  constructor(storage: Storage | (() => Promise<Storage>)) {
    this.#isOpenedHere = typeof storage === "function";
    this.#storage = new Lazy(async () => (typeof storage === "function" ? storage() : storage));
  }

  /** Keyv 5 would look for it inside the keys that are listed, and leave out those without it. */
  get namespace(): string | undefined {
    return this.#namespaces.version === 5 ? undefined : this.#namespaces.current;
  }

  set namespace(namespace: string | undefined) {
    this.#namespaces.set(namespace);
  }

  get opts(): { readonly dialect: string } {
    this.#namespaces.optsAreRead();
    // Keyv 5 lists only what calls itself one of a few databases.
    return { dialect: "sqlite" };
  }

  get capabilities(): { readonly expires: true } {
    this.#namespaces.capabilitiesAreRead();
    return { expires: true };
  }

  /** Keyv 5 takes it once and Keyv 6 for each listing, so it knows whose it is, even when Keyvs share the store. */
  get iterator(): () => AsyncGenerator<[key: string, value: StorageValue], void> {
    const namespaceOfTaker = this.#namespaces.ofLastKeyv();
    return () => this.#list(namespaceOfTaker());
  }

  on(event: string, _listener: (...given: never[]) => void): this {
    if (event === "error") this.#namespaces.errorsAreListenedTo();
    return this;
  }

  async get(key: string): Promise<StorageValue | undefined> {
    const [value] = await this.getMany([key]);
    return value;
  }

  async getMany(keys: readonly string[]): Promise<(StorageValue | undefined)[]> {
    if (keys.length === 0) return [];
    return (await this.#entriesOf(keys)).getMany(keys);
  }

  async has(key: string): Promise<boolean> {
    return (await this.get(key)) !== undefined;
  }

  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    return (await this.getMany(keys)).map((value) => value !== undefined);
  }

  async set(key: string, value: StorageValue, lifetime?: number): Promise<boolean> {
    await this.setMany([{ key, value, ttl: lifetime, expires: lifetime }]);
    return true;
  }

  async setMany(entries: readonly KeyvEntry[]): Promise<boolean[]> {
    if (entries.length === 0) return [];
    const expiring = entries.map((entry) => ({
      key: entry.key,
      value: storable(entry.value),
      expires: this.#expiryOf(entry),
    }));
    await (await this.#entriesOf(entries.map(({ key }) => key))).setMany(expiring);
    return entries.map(() => true);
  }

  async delete(key: string): Promise<boolean> {
    const [wasThere] = await (await this.#entriesOf([key])).deleteMany([key]);
    return wasThere === true;
  }

  async deleteMany(keys: readonly string[]): Promise<boolean | boolean[]> {
    const wereThere = keys.length === 0 ? [] : await (await this.#entriesOf(keys)).deleteMany(keys);
    return this.#namespaces.version === 5 ? wereThere.every(Boolean) : wereThere;
  }

  async clear(): Promise<void> {
    // Keyv 5 does not say whose clear() it is.
    if (this.#namespaces.areSeveral) throw this.#namespaces.ambiguous("clear");
    await (await this.#entriesIn(this.#namespaces.current)).clear();
  }

  async disconnect(): Promise<void> {
    this.#isDisconnected = true;
    if (!this.#isOpenedHere) return;
    // Whoever made it open the storage was told if that has failed.
    const storage = await this.#storage.made?.catch(() => undefined);
    await storage?.close();
  }

  async *#list(namespace: string | undefined): AsyncGenerator<[key: string, value: StorageValue], void> {
    const entries = await this.#entriesIn(namespace);
    for await (const [key, value] of entries.list()) yield [this.#listed(key, namespace), value];
  }

  /**
   * The key as the Keyv expects it: Keyv 5 removes what is before the first `:`, because it takes that for the namespace
   * it has put there.
   */
  #listed(key: string, namespace: string | undefined): string {
    const isCutWrong = this.#namespaces.version === 5 && namespace?.includes(":") === true;
    return isCutWrong && key.startsWith(`${namespace}:`) ? key.slice(namespace.length) : key;
  }

  /** The moment after which an entry is gone. */
  #expiryOf({ ttl, expires }: KeyvEntry): number | undefined {
    const moment = this.#namespaces.version === 6 ? expires : ttl === undefined ? undefined : clock.now() + ttl;
    return Number.isFinite(moment) ? moment : undefined;
  }

  #entriesOf(keys: readonly string[]): Promise<ExpiringEntries> {
    return this.#entriesIn(this.#namespaces.of(keys));
  }

  async #entriesIn(namespace = ""): Promise<ExpiringEntries> {
    if (this.#isDisconnected) {
      throw new StorageError("Cannot use the keyvStore: its Keyv was disconnected; make a new one", { code: "closed" });
    }
    const storage = await this.#storage.get();
    const entries = this.#entries.get(namespace) ?? new ExpiringEntries(storage.namespace(place).namespace(namespace));
    this.#entries.set(namespace, entries);
    return entries;
  }
}

/** A Keyv without serialization writes objects in which `undefined` stands for nothing. */
function storable(value: StorageValue): StorageValue {
  if (!isEnvelope(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}

/** Tells whether `value` is what Keyv wraps a value in. */
function isEnvelope(value: StorageValue): value is { readonly [key: string]: StorageValue } {
  if (typeof value !== "object" || value === null) return false;
  const names = Object.keys(value);
  return names.length === 2 && names.includes("value") && names.includes("expires");
}
