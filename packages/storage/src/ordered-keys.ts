import { compareCodePoints } from "./code-points.js";

/** A key that comes or goes moves at most as many others. */
const maxKeysPerBlock = 512;

/** A set of keys in the order of their code points. */
export class OrderedKeys {
  /** The keys in order, in blocks none of which is empty. */
  readonly #blocks: string[][] = [];

  /** `keys` are in any order, each of them once. */
  constructor(keys: Iterable<string> = []) {
    const given = [...keys];
    for (const key of isInOrder(given) ? given : given.toSorted(compareCodePoints)) this.#append(key);
  }

  get all(): readonly string[] {
    return this.#blocks.flat();
  }

  add(key: string): void {
    const lastBlock = this.#blocks[this.#blocks.length - 1];
    const last = lastBlock?.[lastBlock.length - 1];
    if (last === undefined || compareCodePoints(last, key) < 0) {
      this.#append(key);
      return;
    }
    const [block, index] = this.#firstFrom(key);
    const keys = this.#blocks[block];
    if (keys === undefined || keys[index] === key) return;
    keys.splice(index, 0, key);
    if (keys.length > maxKeysPerBlock) this.#blocks.splice(block + 1, 0, keys.splice(keys.length >>> 1));
  }

  delete(key: string): void {
    const [block, index] = this.#firstFrom(key);
    const keys = this.#blocks[block];
    if (keys?.[index] !== key) return;
    keys.splice(index, 1);
    this.#merge(block);
  }

  /** Removes the keys that start with `prefix`, and returns them. */
  deleteAll(prefix: string): string[] {
    const [first, start] = this.#firstFrom(prefix);
    const deleted: string[][] = [];
    let block = first;
    for (let index = start; ; index = 0) {
      const keys = this.#blocks[block];
      if (keys?.[index]?.startsWith(prefix) !== true) break;
      let end = index + 1;
      while (keys[end]?.startsWith(prefix) === true) end++;
      const isLast = end < keys.length;
      deleted.push(keys.splice(index, end - index));
      if (isLast) break;
      block++;
    }
    const isFirstEmpty = this.#blocks[first]?.length === 0;
    const firstEmpty = isFirstEmpty ? first : first + 1;
    if (block > firstEmpty) this.#blocks.splice(firstEmpty, block - firstEmpty);
    return deleted.flat();
  }

  /** At most `limit` keys that start with `prefix` and come after `after`. */
  list(prefix: string, after: string, limit: number): string[] {
    const from = compareCodePoints(prefix, after) > 0 ? prefix : after;
    const found: string[] = [];
    let [block, index] = this.#firstFrom(from);
    while (found.length < limit) {
      const keys = this.#blocks[block];
      if (keys === undefined) break;
      const key = keys[index++];
      if (key === undefined) {
        block++;
        index = 0;
      } else if (!key.startsWith(prefix)) break;
      else if (key !== after) found.push(key);
    }
    return found;
  }

  /** Adds a key that comes after all others. */
  #append(key: string): void {
    const last = this.#blocks.at(-1);
    if (last === undefined || last.length === maxKeysPerBlock) this.#blocks.push([key]);
    else last.push(key);
  }

  /** Keeps a block that has lost a key from staying nearly empty beside another. */
  #merge(block: number): void {
    const keys = this.#blocks[block];
    const next = this.#blocks[block + 1];
    if (keys === undefined) return;
    if (keys.length === 0) this.#blocks.splice(block, 1);
    else if (next !== undefined && keys.length + next.length <= maxKeysPerBlock / 2) {
      keys.push(...next);
      this.#blocks.splice(block + 1, 1);
    }
  }

  /** Where the first key is that is not before `key`; that may be one past the end of the last block. */
  #firstFrom(key: string): [block: number, index: number] {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const keys = this.#blocks[middle];
      if (keys !== undefined && isBefore(keys[keys.length - 1], key)) low = middle + 1;
      else high = middle;
    }
    return [low, firstIndex(this.#blocks[low] ?? [], key)];
  }
}

/** The index of the first of `keys` that is not before `key`. */
function firstIndex(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(keys[middle], key)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isInOrder(keys: readonly string[]): boolean {
  return keys.every((key, index) => index === 0 || isBefore(keys[index - 1], key));
}

function isBefore(found: string | undefined, key: string): boolean {
  return found !== undefined && compareCodePoints(found, key) < 0;
}
