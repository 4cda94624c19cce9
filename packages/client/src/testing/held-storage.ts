import { memoryStorage, type Storage } from "@mx/storage";
import { wrappedStorage } from "./wrapped-storage.js";

/** A storage whose writes a test can hold back: how a slow disk is told from a fast one. */
export interface HeldStorage {
  readonly storage: Storage;
  /** From now on, writes wait; resolves when the first of them does. */
  readonly hold: () => Promise<void>;
  readonly release: () => void;
}

const writes = new Set(["set", "delete", "clear", "transaction"]);

export function heldStorage(inner: Storage = memoryStorage()): HeldStorage {
  let gate: Promise<void> | undefined;
  let release = (): void => {};
  let tellWaiting = (): void => {};
  const storage = wrappedStorage(inner, (call, method) => {
    if (!writes.has(method)) return call();
    return (async (): Promise<unknown> => {
      if (gate) tellWaiting();
      await gate;
      return call();
    })();
  });
  return {
    storage,
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
