import type { Commit } from "../engine.js";
import { isWithin } from "../full-key.js";
import type { Table } from "../table.js";

type Values = ReadonlyMap<string, string | undefined>;

const nothing: Values = new Map();

/** What a group of commits comes to, before any of it is made. */
export class Draft {
  readonly #table: Table;
  readonly #cleared = new Set<string>();
  #written: Values = nothing;
  /** The same, once there is more than one commit's. */
  #merged: Map<string, string | undefined> | undefined;

  constructor(table: Table) {
    this.#table = table;
  }

  /** Adds a commit; returns `false`, and adds nothing, when one of its `expected` is not what there would be. */
  add({ expected, cleared, written }: Commit): boolean {
    for (const [key, value] of expected) {
      if (this.#valueOf(key) !== value) return false;
    }
    for (const prefix of cleared) this.#clear(prefix);
    this.#write(written);
    return true;
  }

  /** The one commit that does the same, without what is so already. */
  toCommit(): Commit {
    const cleared = [...this.#cleared].filter((prefix) => this.#table.scan(prefix, "", 1).length > 0);
    return { expected: nothing, cleared, written: this.#changed() };
  }

  #changed(): Values {
    let changed: Map<string, string | undefined> | undefined;
    for (const [key, value] of this.#written) {
      if (this.#storedValueOf(key) !== value) continue;
      changed ??= new Map(this.#written);
      changed.delete(key);
    }
    return changed ?? this.#written;
  }

  #write(written: Values): void {
    // Mostly there is only one commit, of which no copy is needed.
    if (this.#written.size === 0) {
      this.#written = written;
      this.#merged = undefined;
      return;
    }
    this.#merged ??= new Map(this.#written);
    for (const [key, value] of written) this.#merged.set(key, value);
    this.#written = this.#merged;
  }

  #clear(prefix: string): void {
    this.#merged = new Map([...this.#written].filter(([key]) => !key.startsWith(prefix)));
    this.#written = this.#merged;
    this.#cleared.add(prefix);
  }

  #valueOf(key: string): string | undefined {
    return this.#written.has(key) ? this.#written.get(key) : this.#storedValueOf(key);
  }

  #storedValueOf(key: string): string | undefined {
    return this.#cleared.size > 0 && isWithin(key, this.#cleared) ? undefined : this.#table.get(key);
  }
}
