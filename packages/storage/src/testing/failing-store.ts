import { EventEmitter } from "node:events";

/** A Keyv store in memory that fails in the ways that stores fail. */
export class FailingStore extends EventEmitter {
  /** What it does instead of what it is asked for. */
  failure: "throws" | "answers false" | "emits an error and answers nothing" | "stores and throws" | undefined;
  /** How many writes succeed before all of them throw. */
  writesLeft: number = Number.POSITIVE_INFINITY;
  /** How many reads find nothing, without a word, whatever is there. */
  readsToLose = 0;
  isConnected = true;
  readonly #values = new Map<string, unknown>();

  async get(key: string): Promise<unknown> {
    if (this.failure === "throws") throw new Error("the store cannot be reached");
    if (this.failure === "emits an error and answers nothing") {
      this.emit("error", new Error("the store cannot be reached"));
      return undefined;
    }
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

  #write(change: () => boolean): boolean {
    if (this.failure === "stores and throws") change();
    if (this.failure === "throws" || this.failure === "stores and throws" || this.writesLeft === 0) {
      throw new Error("the store cannot be reached");
    }
    if (this.failure === "answers false") return false;
    if (this.failure !== undefined) {
      this.emit("error", new Error("the store cannot be reached"));
      return false;
    }
    this.writesLeft--;
    return change();
  }
}
