import { decode, mayHoldBytes } from "./codec.js";
import { freeze } from "./freeze.js";
import { fullKey, nameIn, shortKey } from "./full-key.js";
import { StorageError } from "./storage-error.js";
import type { StorageReader, StorageValue } from "./storage.js";
import type { Rows } from "./store.js";

/** Reads the values of one namespace. */
export class Reader implements StorageReader {
  readonly #rows: Rows;
  readonly #prefix: string;

  constructor(rows: Rows, prefix: string) {
    this.#rows = rows;
    this.#prefix = prefix;
  }

  get(key: string): Promise<StorageValue | undefined>;
  get<Fallback>(key: string, fallback: Fallback): Promise<StorageValue | Fallback>;
  get<Fallback>(key: string, fallback?: Fallback): Promise<StorageValue | Fallback | undefined> {
    // What most calls come to, in as few steps as possible.
    return this.#rows.recall(this.#prefix, key) ?? this.#get(key, fallback);
  }

  async getMany(keys: readonly string[]): Promise<(StorageValue | undefined)[]> {
    const texts = await this.#rows.read(keys.map((key) => fullKey(this.#prefix, key)));
    return keys.map((key, index) => {
      const text = texts[index];
      return text === undefined ? undefined : read(key, text);
    });
  }

  async has(key: string): Promise<boolean> {
    const [text] = await this.#rows.read([fullKey(this.#prefix, key)]);
    return text !== undefined;
  }

  async *entries(prefix = ""): AsyncIterableIterator<[key: string, value: StorageValue], void, void> {
    for await (const [full, text] of this.#rows.list(fullKey(this.#prefix, prefix))) {
      const key = shortKey(this.#prefix, full);
      yield [key, read(key, text)];
    }
  }

  async *namespaces(): AsyncIterableIterator<string, void, void> {
    let after = "";
    for (;;) {
      const key = await this.#firstAfter(after);
      if (key === undefined) return;
      const [name, end] = nameIn(this.#prefix, key);
      if (name !== undefined) yield name;
      after = end;
    }
  }

  async #get<Fallback>(key: string, fallback: Fallback): Promise<StorageValue | Fallback> {
    const [text] = await this.#rows.read([fullKey(this.#prefix, key)]);
    if (text === undefined) return fallback;
    const value = read(key, text);
    // Bytes are everybody's own, because they can be changed.
    if (!mayHoldBytes(text)) this.#rows.answerWith(this.#prefix, key, text, value);
    return value;
  }

  async #firstAfter(after: string): Promise<string | undefined> {
    for await (const [key] of this.#rows.list(this.#prefix, after, 1)) return key;
    return undefined;
  }
}

function read(key: string, text: string): StorageValue {
  try {
    return freeze(decode(text));
  } catch (cause) {
    throw new StorageError(`Cannot read "${key}": what is stored there was not written by a storage`, {
      code: "damaged",
      cause,
    });
  }
}
