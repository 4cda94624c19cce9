/*
 * Encrypted names are in no order that anybody could use, so a listing needs all names of a namespace. They are kept:
 *
 * 1. A list has the paths one step below a place: below `a/` the namespaces `a/b/` and `a/c/`, and `a/=` if `a` has keys;
 *    below `a/=` the keys `a/=k` and `a/=l`.
 * 2. A list may have paths that are not there any more, and lacks none that is: what a commit has written is added, to
 *    the lists that are still being read as well, before anybody is told that the commit was made.
 * 3. Where others may have changed something, all lists are forgotten. A list that is forgotten while it is being read
 *    is good for those who wait for it: they asked before the change was made.
 */
import { splitKey } from "../full-key.js";
import { Pauses } from "../pauses.js";
import { StorageError } from "../storage-error.js";
import type { Store } from "../store.js";
import { NameList } from "./name-list.js";
import { outerOf, type SealedPaths } from "./sealed-paths.js";

/** How many names are kept, at the most, beside those of the namespace that was listed last. */
const maxNames = 100_000;

/** How many keys are read at a time. */
const keysPerScan = 100;

/** The names in a store, in their order, by place. */
export class NameLists {
  readonly #store: Store;
  readonly #sealedPaths: SealedPaths;
  /** From the one that was not used for the longest time to the one that was used last. */
  readonly #lists = new Map<string, NameList>();

  constructor(store: Store, sealedPaths: SealedPaths) {
    this.#store = store;
    this.#sealedPaths = sealedPaths;
  }

  /** The paths one step below `place`. */
  async below(place: string): Promise<NameList> {
    const list = this.#lists.get(place) ?? this.#begin(place);
    this.#lists.delete(place);
    this.#lists.set(place, list);
    await list.filled;
    return list;
  }

  /** Adds a key, and the namespaces that it is in. */
  add(key: string): void {
    const [prefix] = splitKey(key);
    let path = key;
    for (let place = `${prefix}=`; path !== ""; place = outerOf(place)) {
      this.#lists.get(place)?.add(path);
      path = place;
    }
  }

  /** Forgets what is below the namespace at `prefix`. */
  forget(prefix: string): void {
    for (const place of this.#lists.keys()) if (place.startsWith(prefix)) this.#lists.delete(place);
  }

  #begin(place: string): NameList {
    const list = new NameList();
    this.#lists.set(place, list);
    list.filled = this.#fill(place, list);
    return list;
  }

  async #fill(place: string, list: NameList): Promise<void> {
    try {
      await (place.endsWith("=") ? this.#readKeys(place, list) : this.#readNames(place, list));
      this.#makeRoom();
    } catch (error) {
      if (this.#lists.get(place) === list) this.#lists.delete(place);
      throw error;
    }
  }

  async #readKeys(place: string, list: NameList): Promise<void> {
    const prefix = place.slice(0, -1);
    const sealedPrefix = await this.#sealedPaths.seal(prefix);
    const pauses = new Pauses();
    for (let after = ""; ;) {
      // oxlint-disable-next-line no-await-in-loop
      await pauses.pauseWhenDue();
      // oxlint-disable-next-line no-await-in-loop
      const rows = await this.#store.scan(`${sealedPrefix}=`, after, keysPerScan);
      // oxlint-disable-next-line no-await-in-loop
      const keys = await Promise.all(rows.map(([sealed]) => this.#open(prefix, sealed.slice(sealedPrefix.length))));
      for (const key of keys) list.add(key);
      const last = rows.at(-1);
      if (last === undefined || rows.length < keysPerScan) return;
      [after] = last;
    }
  }

  /** Reads one entry of each namespace, and passes over the others. */
  async #readNames(prefix: string, list: NameList): Promise<void> {
    const sealedPrefix = await this.#sealedPaths.seal(prefix);
    const pauses = new Pauses();
    for (let after = ""; ;) {
      // oxlint-disable-next-line no-await-in-loop
      await pauses.pauseWhenDue();
      // oxlint-disable-next-line no-await-in-loop
      const [row] = await this.#store.scan(sealedPrefix, after, 1);
      if (row === undefined) return;
      const rest = row[0].slice(sealedPrefix.length);
      if (rest.startsWith("=")) {
        list.add(`${prefix}=`);
        // Both come after all that was found, and before everything else: see `nameIn`.
        after = `${sealedPrefix}>`;
      } else {
        const name = rest.slice(0, rest.indexOf("/"));
        // oxlint-disable-next-line no-await-in-loop
        list.add(await this.#open(prefix, `${name}/`));
        after = `${sealedPrefix}${name}0`;
      }
    }
  }

  async #open(prefix: string, sealedStep: string): Promise<string> {
    const path = await this.#sealedPaths.open(prefix, sealedStep);
    if (path !== undefined) return path;
    throw new StorageError(
      `Cannot list "${prefix}": a name there is damaged, or was not written with the key of this storage; ` +
        "restore a copy of the storage",
      { code: "damaged" },
    );
  }

  #makeRoom(): void {
    let size = 0;
    for (const list of this.#lists.values()) size += list.size;
    for (const [place, list] of this.#lists) {
      if (size <= maxNames || this.#lists.size === 1) return;
      size -= list.size;
      this.#lists.delete(place);
    }
  }
}
