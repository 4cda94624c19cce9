import { OrderedKeys } from "../ordered-keys.js";

/** The paths one step below a place, in the order of their code points. */
export class NameList {
  /** Settles when all that is stored has been added. */
  filled: Promise<void> = Promise.resolve();
  readonly #paths = new OrderedKeys();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** At most `limit` paths that start with `prefix` and come after `after`. */
  after(after: string, prefix: string, limit: number): string[] {
    return this.#paths.list(prefix, after, limit);
  }

  add(path: string): void {
    if (this.#has(path)) return;
    this.#paths.add(path);
    this.#size++;
  }

  delete(path: string): void {
    if (!this.#has(path)) return;
    this.#paths.delete(path);
    this.#size--;
  }

  #has(path: string): boolean {
    // Of all that starts with it, it comes first.
    return this.#paths.list(path, "", 1)[0] === path;
  }
}
