import type { StorageValue } from "./storage.js";

/** Freezes all of `value`, and returns it; but not its bytes, which JavaScript cannot freeze. */
export function freeze(value: StorageValue): StorageValue {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}
