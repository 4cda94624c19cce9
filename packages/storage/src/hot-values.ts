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

  get(prefix: string, key: string): HotValue | undefined {
    const hot = this.#namespaces.get(prefix)?.get(key);
    if (hot !== undefined) hot.wasUsed = true;
    return hot;
  }

  find(fullKey: string): HotValue | undefined {
    const [prefix, key] = splitKey(fullKey);
    return this.get(prefix, key);
  }

  keep(fullKey: string, text: string | undefined): void {
    const [prefix, key] = splitKey(fullKey);
    const hot = this.#namespaces.get(prefix)?.get(key) ?? this.#add(prefix, key);
    this.#bytes -= sizeOf(hot);
    hot.text = text;
    hot.answer = undefined;
    this.#bytes += sizeOf(hot);
    if (sizeOf(hot) > this.#maxBytes / 8) this.#remove(hot);
    this.#makeRoom();
  }

  /**
   * Answers with `value` whoever asks for what `text` says. From here on the entry has the caller's own key: a part of a
   * full key takes several times as long to compare.
   */
  answerWith(prefix: string, key: string, text: string, value: StorageValue): void {
    const namespace = this.#namespaces.get(prefix);
    const hot = namespace?.get(key);
    if (namespace === undefined || hot?.text !== text) return;
    hot.answer = Promise.resolve(value);
    namespace.delete(key);
    namespace.set(key, hot);
    this.#namespaces.delete(prefix);
    this.#namespaces.set(prefix, namespace);
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

  #add(prefix: string, key: string): HotValue {
    const hot: HotValue = { prefix, key, text: undefined, answer: undefined, wasUsed: false };
    const namespace = this.#namespaces.get(prefix);
    if (namespace === undefined) this.#namespaces.set(prefix, new Map([[key, hot]]));
    else namespace.set(key, hot);
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
