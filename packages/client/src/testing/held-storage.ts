import { memoryStorage, type Storage } from "@mx/storage";

/** A storage whose writes a test can hold back: how a slow disk is told from a fast one. */
export interface HeldStorage {
  readonly storage: Storage;
  /** From now on, writes wait; resolves when the first of them does. */
  readonly hold: () => Promise<void>;
  readonly release: () => void;
}

const writes = new Set<string | symbol>(["set", "delete", "clear", "transaction"]);

export function heldStorage(inner: Storage = memoryStorage()): HeldStorage {
  let gate: Promise<void> | undefined;
  let release = (): void => {};
  let tellWaiting = (): void => {};
  const held = (storage: Storage): Storage =>
    new Proxy(storage, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (name === "namespace") return (child: string) => held(target.namespace(child));
        if (typeof value !== "function") return value;
        if (!writes.has(name)) return value.bind(target) as unknown;
        return async (...args: unknown[]): Promise<unknown> => {
          if (gate) tellWaiting();
          await gate;
          return Reflect.apply(value, target, args);
        };
      },
    });
  return {
    storage: held(inner),
    hold() {
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return new Promise((resolve) => {
        tellWaiting = resolve;
      });
    },
    release() {
      gate = undefined;
      release();
    },
  };
}
