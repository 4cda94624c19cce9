import type { Commit } from "./engine.js";
import { OrderedKeys } from "./ordered-keys.js";
import { rowsOf } from "./rows.js";

/** Encoded values by full key, held in memory. */
export class Table {
  readonly #values: Map<string, string>;
  readonly #keys: OrderedKeys;

  constructor(values: Iterable<readonly [key: string, value: string]> = []) {
    this.#values = new Map(values);
    this.#keys = new OrderedKeys(this.#values.keys());
  }

  read(keys: readonly string[]): (string | undefined)[] {
    return keys.map((key) => this.#values.get(key));
  }

  scan(prefix: string, after: string, limit: number): [key: string, value: string][] {
    const keys = this.#keys.list(prefix, after, limit);
    return rowsOf(keys, this.read(keys));
  }

  /**
   * Makes the changes of `commit`; returns `false`, having changed nothing, when one of `expected` is not what is
   * there.
   */
  apply(commit: Commit): boolean {
    for (const [key, value] of commit.expected) {
      if (this.#values.get(key) !== value) return false;
    }
    for (const prefix of commit.cleared) {
      for (const key of this.#keys.deleteAll(prefix)) this.#values.delete(key);
    }
    for (const [key, value] of commit.written) {
      if (value === undefined) {
        if (this.#values.delete(key)) this.#keys.delete(key);
      } else {
        if (!this.#values.has(key)) this.#keys.add(key);
        this.#values.set(key, value);
      }
    }
    return true;
  }

  copy(): Table {
    return new Table(this.all());
  }

  /** Every key and its value, in order. */
  all(): [key: string, value: string][] {
    return rowsOf(this.#keys.all, this.read(this.#keys.all));
  }
}
