import { OrderedKeys } from "../ordered-keys.js";

/** How many keys a page holds: a key that comes or goes costs writing one page. */
const keysPerPage = 128;

/** The keys of a store that cannot list them in order itself, in pages, which are stored beside the values. */
export class KeyIndex {
  readonly #pages: Set<string>[];
  readonly #pageOf = new Map<string, number>();
  readonly #keys: OrderedKeys;
  #changed = new Set<number>();

  constructor(pages: readonly (readonly string[])[]) {
    this.#pages = pages.map((keys) => new Set(keys));
    for (const [page, keys] of pages.entries()) {
      for (const key of keys) this.#pageOf.set(key, page);
    }
    this.#keys = new OrderedKeys(this.#pageOf.keys());
  }

  get pageCount(): number {
    return this.#pages.length;
  }

  has(key: string): boolean {
    return this.#pageOf.has(key);
  }

  list(prefix: string, after: string, limit: number): string[] {
    return this.#keys.list(prefix, after, limit);
  }

  add(key: string): void {
    if (this.has(key)) return;
    this.#keys.add(key);
    const page = this.#pageWithRoom();
    this.#pages[page]?.add(key);
    this.#pageOf.set(key, page);
    this.#changed.add(page);
  }

  delete(key: string): void {
    const page = this.#pageOf.get(key);
    if (page === undefined) return;
    this.#keys.delete(key);
    this.#pageOf.delete(key);
    this.#pages[page]?.delete(key);
    this.#changed.add(page);
  }

  /** The pages that have changed since it was last asked, and what is in them now. */
  takeChanged(): [page: number, keys: string[]][] {
    const changed = [...this.#changed].map((page): [number, string[]] => [page, [...(this.#pages[page] ?? [])]]);
    this.#changed = new Set();
    return changed;
  }

  /** A new page changes the first one as well, because that holds the number of pages. */
  #pageWithRoom(): number {
    const page = this.#pages.findIndex((keys) => keys.size < keysPerPage);
    if (page !== -1) return page;
    this.#changed.add(0);
    return this.#pages.push(new Set()) - 1;
  }
}
