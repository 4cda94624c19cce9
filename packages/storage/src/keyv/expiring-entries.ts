import { clock } from "../env.js";
import { StorageError } from "../storage-error.js";
import type { Storage, StorageValue } from "../storage.js";

/** A value, and the moment after which it is gone; for ever without one. */
export interface ExpiringEntry {
  readonly key: string;
  readonly value: StorageValue;
  readonly expires: number | undefined;
}

/** How much is written with an expiry before what nobody has asked for since it expired is looked for. */
const writesPerSweep = 100;

/** More than is written meanwhile, so that a sweep gets through whatever is there. */
const entriesPerSweep = 2 * writesPerSweep;

/** How many expired entries a listing removes at a time. */
const keysPerRemoval = 100;

/** What is at one key: an object, so that a value of the user's is never taken for more. */
type Stored = { readonly value: StorageValue; readonly expires?: number };

/** Values that may expire, in a namespace of a storage that is theirs alone. What has expired is removed when met. */
export class ExpiringEntries {
  readonly #storage: Storage;
  #writesBeforeSweep = writesPerSweep;
  #sweep: AsyncGenerator<unknown, void> | undefined;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async getMany(keys: readonly string[]): Promise<(StorageValue | undefined)[]> {
    const found = (await this.#storage.getMany(keys)).map((value, index) => read(keys[index], value));
    await this.#tryToRemove(keys.filter((_key, index) => isExpired(found[index])));
    return found.map((entry) => (isExpired(entry) ? undefined : entry?.value));
  }

  /** Stores all of them, or none. */
  async setMany(entries: readonly ExpiringEntry[]): Promise<void> {
    await this.#sweepOn(entries);
    const [first] = entries;
    if (first !== undefined && entries.length === 1) return this.#storage.set(first.key, stored(first));
    await this.#storage.transaction((transaction) => {
      for (const entry of entries) transaction.set(entry.key, stored(entry));
    });
  }

  /** Removes all of them, or none; tells which of them were there. */
  deleteMany(keys: readonly string[]): Promise<boolean[]> {
    return this.#storage.transaction(async (transaction) => {
      const found = (await transaction.getMany(keys)).map((value, index) => read(keys[index], value));
      for (const [index, key] of keys.entries()) if (found[index] !== undefined) transaction.delete(key);
      return found.map((entry) => entry !== undefined && !isExpired(entry));
    });
  }

  clear(): Promise<void> {
    return this.#storage.clear();
  }

  async *list(): AsyncGenerator<[key: string, value: StorageValue], void> {
    let expired: string[] = [];
    for await (const [key, value] of this.#storage.entries()) {
      const entry = read(key, value);
      if (!isExpired(entry)) {
        if (entry !== undefined) yield [key, entry.value];
      } else if (expired.push(key) === keysPerRemoval) {
        await this.#tryToRemove(expired);
        expired = [];
      }
    }
    await this.#tryToRemove(expired);
  }

  /** Goes on listing, each time a little, so that what expires and is never asked for does not pile up. */
  async #sweepOn(written: readonly ExpiringEntry[]): Promise<void> {
    this.#writesBeforeSweep -= written.filter(({ expires }) => expires !== undefined).length;
    if (this.#writesBeforeSweep > 0) return;
    this.#writesBeforeSweep = writesPerSweep;
    this.#sweep ??= this.list();
    for (let looked = 0; looked < entriesPerSweep; looked++) {
      const { done } = await this.#sweep.next();
      if (done !== true) continue;
      this.#sweep = undefined;
      return;
    }
  }

  /** A reader gets its answer also where nothing can be written: what has expired is gone, removed or not. */
  async #tryToRemove(keys: readonly string[]): Promise<void> {
    await this.#remove(keys).catch(() => undefined);
  }

  /** Looks again first: somebody may have written a new value meanwhile. */
  async #remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await this.#storage.transaction(async (transaction) => {
      const found = await transaction.getMany(keys);
      for (const [index, key] of keys.entries()) if (isExpired(read(key, found[index]))) transaction.delete(key);
    });
  }
}

function isExpired(entry: Stored | undefined): boolean {
  return entry?.expires !== undefined && clock.now() > entry.expires;
}

function stored({ value, expires }: ExpiringEntry): Stored {
  return expires === undefined ? { value } : { value, expires };
}

function read(key: string | undefined, value: StorageValue | undefined): Stored | undefined {
  if (value === undefined || isStored(value)) return value;
  throw new StorageError(`Cannot read "${key}": what is stored there was not written by a keyvStore`, {
    code: "damaged",
  });
}

function isStored(value: StorageValue): value is Stored {
  if (typeof value !== "object" || value === null || !("value" in value)) return false;
  return !("expires" in value) || typeof value["expires"] === "number";
}
