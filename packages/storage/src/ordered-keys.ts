import { compareCodePoints } from "./code-points.js";

/** A set of keys in the order of their code points. */
export class OrderedKeys {
  readonly #keys: string[];

  /** `keys` are in any order, each of them once. */
  constructor(keys: Iterable<string> = []) {
    this.#keys = [...keys].toSorted(compareCodePoints);
  }

  get all(): readonly string[] {
    return this.#keys;
  }

  add(key: string): void {
    const index = this.#firstFrom(key);
    if (this.#keys[index] !== key) this.#keys.splice(index, 0, key);
  }

  delete(key: string): void {
    const index = this.#firstFrom(key);
    if (this.#keys[index] === key) this.#keys.splice(index, 1);
  }

  /** Removes the keys that start with `prefix`, and returns them. */
  deleteAll(prefix: string): string[] {
    const start = this.#firstFrom(prefix);
    let end = start;
    while (this.#keys[end]?.startsWith(prefix) === true) end++;
    return this.#keys.splice(start, end - start);
  }

  /** At most `limit` keys that start with `prefix` and come after `after`. */
  list(prefix: string, after: string, limit: number): string[] {
    let index = this.#firstFrom(compareCodePoints(prefix, after) > 0 ? prefix : after);
    if (this.#keys[index] === after) index++;
    const found: string[] = [];
    for (; found.length < limit; index++) {
      const key = this.#keys[index];
      if (key?.startsWith(prefix) !== true) break;
      found.push(key);
    }
    return found;
  }

  /** The index of the first key that is not before `key`. */
  #firstFrom(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = this.#keys[middle];
      if (found !== undefined && compareCodePoints(found, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
