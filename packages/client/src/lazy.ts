/** A value that is made when it is first asked for. */
export interface Lazy<Value> {
  /** The value: the first call makes it, and calls meanwhile share it. A failure is forgotten: the next call tries again. */
  get(): Promise<Value>;
  /** What `get` is making or has made; `undefined` when nobody asked, or the last attempt has failed. */
  readonly current: Promise<Value> | undefined;
}

/** Makes a value on the first call, whoever calls. */
export function lazy<Value>(make: () => Promise<Value>): Lazy<Value> {
  let current: Promise<Value> | undefined;
  return {
    get() {
      if (current === undefined) {
        const attempt = make();
        current = attempt;
        attempt.catch(() => {
          if (current === attempt) current = undefined;
        });
      }
      return current;
    },
    get current() {
      return current;
    },
  };
}
