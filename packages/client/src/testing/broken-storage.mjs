import { setTimeout as delay } from "node:timers/promises";

/** Ways to make a client renew its tokens wrongly, so that a check can be seen to fail. */
export const breakages = {
  /** Nobody excludes anybody. */
  "no lease": (storage) => ({
    lease: async (name) => ({ name, token: 0, signal: new AbortController().signal, release: async () => {} }),
    transaction: (change) => storage.transaction(change),
  }),
  /** What another process has stored is never looked at. */
  "no comparison": (storage) => {
    let known;
    return {
      async getMany(keys) {
        const values = await storage.getMany(keys);
        known ??= values[keys.indexOf("session")];
        return values;
      },
      get: async (key) => (key === "session" ? known : storage.get(key)),
      transaction: (change, options) =>
        storage.transaction(async (transaction) => {
          const result = await change(transaction);
          // But for what this one changes under its lease.
          if (options?.lease !== undefined) known = await transaction.get("session");
          return result;
        }, options),
    };
  },
  /** Tokens are used before they are stored. */
  "late save": (storage) => ({
    async transaction(change, options) {
      if (options?.lease === undefined) return storage.transaction(change, options);
      void delay(500).then(() => storage.transaction(change));
      return true;
    },
  }),
};

/** A storage that does some things wrongly, and all others as it should. */
export function breakStorage(storage, breakage) {
  if (breakage === undefined) return storage;
  const broken = {
    namespace: (name) => breakStorage(storage.namespace(name), breakage),
    ...breakages[breakage](storage),
  };
  return new Proxy(storage, {
    get(target, name) {
      if (Object.hasOwn(broken, name)) return broken[name];
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
