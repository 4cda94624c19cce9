/** First in, first out, in constant time: `Array.shift` moves all that is behind the first. */
export class Queue<T> {
  #arriving: T[] = [];
  #leaving: T[] = [];

  get size(): number {
    return this.#arriving.length + this.#leaving.length;
  }

  push(item: T): void {
    this.#arriving.push(item);
  }

  shift(): T | undefined {
    if (this.#leaving.length === 0) {
      this.#leaving = this.#arriving.toReversed();
      this.#arriving = [];
    }
    return this.#leaving.pop();
  }
}
