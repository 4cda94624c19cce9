import { EventEmitter } from "node:events";

/** A Keyv store in memory that fails in the ways that stores fail. */
export class FailingStore extends EventEmitter {
  /** What it does instead of what it is asked for. */
  failure:
    | "throws"
    | "answers false"
    | "emits an error and answers nothing"
    | "stores and throws"
    | "finds nothing"
    | undefined;
  /** Which calls fail so, counted from the first of all; all of them by default. */
  failingCalls: { readonly first: number; readonly last: number } = { first: 1, last: Number.POSITIVE_INFINITY };
  /** How many calls there were. */
  calls = 0;
  /** How many of them have failed. */
  failures = 0;
  /** How many writes succeed before all of them throw. */
  writesLeft: number = Number.POSITIVE_INFINITY;
  /** How many reads find nothing, without a word, whatever is there. */
  readsToLose = 0;
  /** How many keys were written or removed. */
  writes = 0;
  isConnected = true;
  readonly #values = new Map<string, unknown>();

  async get(key: string): Promise<unknown> {
    const failure = this.#failureOfThisCall();
    if (failure === "throws" || failure === "stores and throws") throw new Error("the store cannot be reached");
    if (failure === "emits an error and answers nothing") {
      this.emit("error", new Error("the store cannot be reached"));
      return undefined;
    }
    if (failure === "finds nothing") return undefined;
    if (this.readsToLose > 0) {
      this.readsToLose--;
      return undefined;
    }
    return this.#values.get(key);
  }

  async set(key: string, value: unknown): Promise<boolean> {
    return this.#write(() => {
      this.#values.set(key, value);
      return true;
    });
  }

  async delete(key: string): Promise<boolean> {
    return this.#write(() => this.#values.delete(key));
  }

  async clear(): Promise<void> {
    this.#write(() => {
      this.#values.clear();
      return true;
    });
  }

  async disconnect(): Promise<void> {
    this.isConnected = false;
  }

  #failureOfThisCall(): typeof this.failure {
    this.calls++;
    const { first, last } = this.failingCalls;
    const isFailing = this.failure !== undefined && this.calls >= first && this.calls <= last;
    if (isFailing) this.failures++;
    return isFailing ? this.failure : undefined;
  }

  #write(change: () => boolean): boolean {
    const failure = this.#failureOfThisCall();
    if (failure === "stores and throws") change();
    if (failure === "throws" || failure === "stores and throws" || this.writesLeft === 0) {
      throw new Error("the store cannot be reached");
    }
    if (failure === "answers false") return false;
    if (failure === "emits an error and answers nothing") {
      this.emit("error", new Error("the store cannot be reached"));
      return false;
    }
    this.writesLeft--;
    this.writes++;
    return change();
  }
}
