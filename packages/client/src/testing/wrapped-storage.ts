import type { Storage } from "@mx/storage";

/** A method of a storage, in the hands of a test. */
export type Intercept = (call: () => unknown, method: string, args: readonly unknown[]) => unknown;

/** A storage, and all namespaces in it, whose methods are called through `intercept`. */
export function wrappedStorage(inner: Storage, intercept: Intercept): Storage {
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name === "namespace") return (child: string) => wrappedStorage(target.namespace(child), intercept);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => intercept(() => Reflect.apply(value, target, args) as unknown, String(name), args);
    },
  });
}
