// So that the types hold for users whose "lib" has no AsyncDisposable.
/// <reference lib="esnext.disposable" preserve="true" />
import { Queue } from "./queue.js";

/**
 * Messages in the order of their publishing, from the call of `publisher.messages()` on. It is a subscription until it is left
 * (`break`, `return()`, `await using`) or its signal aborts; then unread messages are dropped and waiting publishers go on.
 */
export class Messages<T> implements AsyncIterableIterator<T, undefined>, AsyncDisposable {
  #unread = new Queue<T>();
  readonly #highWaterMark: number;
  readonly #unsubscribe: () => unknown;
  #waitingReaders: ((result: IteratorResult<T, undefined>) => void)[] = [];
  #waitingPublishers: (() => void)[] = [];
  #isOpen = true;

  /** `subscribe` returns what unsubscribes; it is given what takes a message, and what ends the loop from outside. */
  constructor(
    subscribe: (receive: (message: T) => Promise<void> | undefined, end: () => void) => () => unknown,
    highWaterMark: number,
  ) {
    this.#highWaterMark = highWaterMark;
    this.#unsubscribe = subscribe(
      (message) => this.#receive(message),
      () => this.#end(),
    );
  }

  /** Resolves with the next message as soon as there is one. Calls may overlap; they are served in order. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (!this.#isOpen) return Promise.resolve({ done: true, value: undefined });
    const message = this.#unread.shift();
    if (message === undefined) return new Promise((resolve) => this.#waitingReaders.push(resolve));
    if (this.#unread.size <= this.#highWaterMark) this.#freePublishers();
    return Promise.resolve({ done: false, value: message });
  }

  /** Unsubscribes, and ends the iteration for all who wait. A loop calls it when it is left early. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#unsubscribe();
    this.#end();
    return this.next();
  }

  /** Itself: there is one subscription, however many loops read from it. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Unsubscribes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Returns what the publisher waits for. */
  #receive(message: T): Promise<void> | undefined {
    const reader = this.#waitingReaders.shift();
    if (reader !== undefined) {
      reader({ done: false, value: message });
      return undefined;
    }
    this.#unread.push(message);
    if (this.#unread.size <= this.#highWaterMark) return undefined;
    return new Promise((resolve) => this.#waitingPublishers.push(resolve));
  }

  #end(): void {
    this.#isOpen = false;
    this.#unread = new Queue();
    this.#freePublishers();
    for (const reader of this.#waitingReaders.splice(0)) reader({ done: true, value: undefined });
  }

  #freePublishers(): void {
    for (const goOn of this.#waitingPublishers.splice(0)) goOn();
  }
}
