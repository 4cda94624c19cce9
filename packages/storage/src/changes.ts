import { compareCodePoints } from "./code-points.js";
import type { Commit } from "./engine.js";
import { isWithin } from "./full-key.js";
import { OrderedKeys } from "./ordered-keys.js";
import { StorageError } from "./storage-error.js";
import type { Rows, Store } from "./store.js";

/** What one attempt at a transaction has read and is going to write, in all its namespaces. */
export class Changes implements Rows {
  readonly #store: Store;
  readonly #expected = new Map<string, string | undefined>();
  readonly #cleared = new Set<string>();
  readonly #written = new Map<string, string | undefined>();
  readonly #writtenKeys = new OrderedKeys();
  #ended = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Nothing: what is read is noted, as it was at the first reading. */
  recall(): undefined {
    return undefined;
  }

  answerWith(): void {}

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    this.#requireRunning();
    const unknown = keys.filter((key) => !this.#isOwn(key) && !this.#expected.has(key));
    if (unknown.length > 0) {
      const values = await this.#store.read(unknown);
      for (const [index, key] of unknown.entries()) this.#note(key, values[index]);
    }
    return keys.map((key) => (this.#isOwn(key) ? this.#written.get(key) : this.#expected.get(key)));
  }

  /** Merges what is stored and what was written; a write during the listing is seen if its key is still to come. */
  async *list(prefix: string, start = "", rows?: number): AsyncGenerator<readonly [key: string, value: string], void> {
    this.#requireRunning();
    const stored = this.#store.list(prefix, start, rows);
    let row = await stored.next();
    let after = start;
    for (;;) {
      const [own] = this.#writtenKeys.list(prefix, after, 1);
      if (own !== undefined && (row.done === true || compareCodePoints(own, row.value[0]) <= 0)) {
        if (row.done !== true && own === row.value[0]) row = await stored.next();
        after = own;
        const value = this.#written.get(own);
        if (value !== undefined) yield [own, value];
      } else if (row.done === true) {
        return;
      } else {
        const [key, value] = row.value;
        after = key;
        if (!this.#isOwn(key)) yield [key, this.#note(key, value) ?? value];
        row = await stored.next();
      }
    }
  }

  write(key: string, value: string | undefined): void {
    this.#requireRunning();
    this.#written.set(key, value);
    this.#writtenKeys.add(key);
  }

  clear(prefix: string): void {
    this.#requireRunning();
    this.#cleared.add(prefix);
    for (const key of this.#writtenKeys.deleteAll(prefix)) this.#written.delete(key);
  }

  /** Lets it commit only if `key` has `value` then. */
  expect(key: string, value: string): void {
    this.#expected.set(key, value);
  }

  /** Refuses everything from now on, except `commit` and `areReadsCurrent`. */
  end(): void {
    this.#ended = true;
  }

  /** Resolves with `false` when something that was read has changed meanwhile. */
  async commit(): Promise<boolean> {
    this.#store.requireOpen("commit the transaction to the storage");
    if (this.#written.size === 0 && this.#cleared.size === 0) return this.areReadsCurrent();
    return this.#store.commit({ expected: this.#expected, cleared: [...this.#cleared], written: this.#written });
  }

  /** Tells whether all that was read is what is stored now: it may be of several moments, or from memory. */
  async areReadsCurrent(): Promise<boolean> {
    if (this.#expected.size === 0) return true;
    const nothing: Pick<Commit, "cleared" | "written"> = { cleared: [], written: new Map() };
    return this.#store.commit({ expected: this.#expected, ...nothing });
  }

  /** Notes what the transaction was computed from: the first reading counts, and is what later ones get. */
  #note(key: string, value: string | undefined): string | undefined {
    if (!this.#expected.has(key)) this.#expected.set(key, value);
    return this.#expected.get(key);
  }

  /** Tells whether the transaction itself has decided what `key` holds. */
  #isOwn(key: string): boolean {
    return this.#written.has(key) || (this.#cleared.size > 0 && isWithin(key, this.#cleared));
  }

  #requireRunning(): void {
    if (this.#ended) {
      throw new StorageError(
        "Cannot use the transaction: it has ended; await all that is done in it before its function returns",
        { code: "misuse" },
      );
    }
  }
}
