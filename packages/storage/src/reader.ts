import { decode } from "./codec.js";
import { fullKey, shortKey } from "./full-key.js";
import type { Rows } from "./open-engine.js";
import { StorageError } from "./storage-error.js";
import type { StorageReader, StorageValue } from "./storage.js";

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
  async get<Fallback>(key: string, fallback?: Fallback): Promise<StorageValue | Fallback | undefined> {
    const [text] = await this.#rows.read([fullKey(this.#prefix, key)]);
    return text === undefined ? fallback : read(key, text);
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

  async *entries(prefix = ""): AsyncGenerator<[key: string, value: StorageValue], void> {
    for await (const [full, text] of this.#rows.list(fullKey(this.#prefix, prefix))) {
      const key = shortKey(this.#prefix, full);
      yield [key, read(key, text)];
    }
  }
}

function read(key: string, text: string): StorageValue {
  try {
    return decode(text);
  } catch (cause) {
    throw new StorageError(`Cannot read "${key}": what is stored there was not written by a storage`, { cause });
  }
}
