import type { Commit } from "./engine.js";
import { OrderedKeys } from "./ordered-keys.js";
import { rowsOf } from "./rows.js";

/** Encoded values by full key, held in memory. */
export class Table {
  readonly #values = new Map<string, string>();
  readonly #keys = new OrderedKeys();

  get(key: string): string | undefined {
    return this.#values.get(key);
  }

  read(keys: readonly string[]): (string | undefined)[] {
    return keys.map((key) => this.#values.get(key));
  }

  scan(prefix: string, after: string, limit: number): [key: string, value: string][] {
    const keys = this.#keys.list(prefix, after, limit);
    return rowsOf(keys, this.read(keys));
  }

  set(key: string, value: string): void {
    const { size } = this.#values;
    this.#values.set(key, value);
    if (this.#values.size > size) this.#keys.add(key);
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.delete(key);
  }

  /** Removes the keys that start with `prefix`. */
  clear(prefix: string): void {
    for (const key of this.#keys.deleteAll(prefix)) this.#values.delete(key);
  }

  /**
   * Makes the changes of `commit`; returns `false`, having changed nothing, when one of `expected` is not what is
   * there.
   */
  apply(commit: Commit): boolean {
    for (const [key, value] of commit.expected) {
      if (this.#values.get(key) !== value) return false;
    }
    for (const prefix of commit.cleared) this.clear(prefix);
    for (const [key, value] of commit.written) {
      if (value === undefined) this.delete(key);
      else this.set(key, value);
    }
    return true;
  }
}
