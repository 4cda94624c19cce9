import { splitKey } from "./full-key.js";
import type { StorageValue } from "./storage.js";

/** A value that is in memory, or the knowledge that there is none. */
export interface HotValue {
  readonly prefix: string;
  readonly key: string;
  text: string | undefined;
  /** The answer to whoever asks for what `text` says, once somebody has: frozen, because everybody gets the same. */
  answer: Promise<StorageValue> | undefined;
  /** Whether it was asked for since it last was the oldest. */
  wasUsed: boolean;
}

/** What an entry costs beside its texts, roughly. */
const bytesPerEntry = 200;

/**
 * The values that were used last, by namespace and key, up to a number of bytes. The oldest goes first, except that one
 * that was used meanwhile gets another round: so a long listing or an import does not drive out what is in use.
 */
export class HotValues {
  readonly #namespaces = new Map<string, Map<string, HotValue>>();
  /** From the oldest to the newest. */
  readonly #order = new Set<HotValue>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#order.size === 0;
  }

  has(fullKey: string): boolean {
    const [prefix, key] = splitKey(fullKey);
    return this.#at(prefix, key) !== undefined;
  }

  get(prefix: string, key: string): HotValue | undefined {
    const hot = this.#at(prefix, key);
    if (hot !== undefined) hot.wasUsed = true;
    return hot;
  }

  find(fullKey: string): HotValue | undefined {
    const [prefix, key] = splitKey(fullKey);
    return this.get(prefix, key);
  }

  keep(fullKey: string, text: string | undefined): void {
    const [prefix, key] = splitKey(fullKey);
    this.#setText(this.#at(prefix, key) ?? this.#add(prefix, key), text);
  }

  /** Keeps `text` if there is one for that key already: what is only written is not in use. */
  replace(fullKey: string, text: string | undefined): void {
    const [prefix, key] = splitKey(fullKey);
    const hot = this.#at(prefix, key);
    if (hot !== undefined) this.#setText(hot, text);
  }

  /** Answers with `value` whoever asks for what `text` says. */
  answerWith(prefix: string, key: string, text: string, value: StorageValue): void {
    const hot = this.#at(prefix, key);
    if (hot?.text === text) hot.answer = Promise.resolve(value);
  }

  forget(fullKey: string): void {
    const hot = this.find(fullKey);
    if (hot !== undefined) this.#remove(hot);
  }

  /** Forgets the namespace at `prefix`, and those inside it. */
  forgetNamespace(prefix: string): void {
    for (const [inner, namespace] of this.#namespaces) {
      if (!inner.startsWith(prefix)) continue;
      for (const hot of namespace.values()) this.#remove(hot);
    }
  }

  forgetAll(): void {
    this.#namespaces.clear();
    this.#order.clear();
    this.#bytes = 0;
  }

  #at(prefix: string, key: string): HotValue | undefined {
    return this.#namespaces.get(prefix)?.get(key);
  }

  #setText(hot: HotValue, text: string | undefined): void {
    this.#bytes -= sizeOf(hot);
    hot.text = text;
    hot.answer = undefined;
    this.#bytes += sizeOf(hot);
    if (sizeOf(hot) > this.#maxBytes / 8) this.#remove(hot);
    this.#makeRoom();
  }

  #add(prefix: string, key: string): HotValue {
    const ownKey = copyOf(key);
    const hot: HotValue = { prefix, key: ownKey, text: undefined, answer: undefined, wasUsed: false };
    const namespace = this.#namespaces.get(prefix);
    if (namespace === undefined) this.#namespaces.set(copyOf(prefix), new Map([[ownKey, hot]]));
    else namespace.set(ownKey, hot);
    this.#order.add(hot);
    this.#bytes += sizeOf(hot);
    return hot;
  }

  #makeRoom(): void {
    while (this.#bytes > this.#maxBytes) {
      const [oldest] = this.#order;
      if (oldest === undefined) return;
      if (oldest.wasUsed) {
        oldest.wasUsed = false;
        this.#order.delete(oldest);
        this.#order.add(oldest);
      } else {
        this.#remove(oldest);
      }
    }
  }

  #remove(hot: HotValue): void {
    const namespace = this.#namespaces.get(hot.prefix);
    namespace?.delete(hot.key);
    if (namespace?.size === 0) this.#namespaces.delete(hot.prefix);
    this.#order.delete(hot);
    this.#bytes -= sizeOf(hot);
  }
}

/** Two bytes a character, and as much again for the decoded value. */
function sizeOf({ key, text }: HotValue): number {
  return bytesPerEntry + 2 * key.length + 4 * (text?.length ?? 0);
}

/**
 * The same text by itself. What was cut from another one holds on to it, however long that is, and takes several times
 * as long to compare.
 */
function copyOf(text: string): string {
  const copy: string = JSON.parse(JSON.stringify(text));
  return copy;
}
