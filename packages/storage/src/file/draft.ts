import type { Commit } from "../engine.js";
import type { Table } from "../table.js";

const nothing: ReadonlyMap<string, undefined> = new Map();

/** What a group of commits comes to, before any of it is made. */
export class Draft {
  readonly #table: Table;
  #cleared: string[] = [];
  readonly #written = new Map<string, string | undefined>();

  constructor(table: Table) {
    this.#table = table;
  }

  /** Adds a commit; returns `false`, and adds nothing, when one of its `expected` is not what there would be. */
  add({ expected, cleared, written }: Commit): boolean {
    for (const [key, value] of expected) {
      if (this.#valueOf(key) !== value) return false;
    }
    for (const prefix of cleared) this.#clear(prefix);
    for (const [key, value] of written) this.#written.set(key, value);
    return true;
  }

  /** The one commit that does the same, without what is so already. */
  toCommit(): Commit {
    const cleared = this.#cleared.filter((prefix) => this.#table.scan(prefix, "", 1).length > 0);
    const written = new Map<string, string | undefined>();
    for (const [key, value] of this.#written) {
      if (this.#storedValueOf(key) !== value) written.set(key, value);
    }
    return { expected: nothing, cleared, written };
  }

  #clear(prefix: string): void {
    for (const key of this.#written.keys()) {
      if (key.startsWith(prefix)) this.#written.delete(key);
    }
    this.#cleared.push(prefix);
  }

  #valueOf(key: string): string | undefined {
    return this.#written.has(key) ? this.#written.get(key) : this.#storedValueOf(key);
  }

  #storedValueOf(key: string): string | undefined {
    return this.#cleared.some((prefix) => key.startsWith(prefix)) ? undefined : this.#table.get(key);
  }
}
