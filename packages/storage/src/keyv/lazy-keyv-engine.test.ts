import { Keyv } from "keyv";
import { expect, test, vi } from "vitest";
import { createStorage } from "../create-storage.js";
import { FailingStore } from "../testing/failing-store.js";
import { lazyKeyvEngine } from "./lazy-keyv-engine.js";

test("loads the engine at the first use, and tries again when that has failed", async () => {
  let attempts = 0;
  const load = async (): Promise<typeof import("./keyv-engine.js")> => {
    if (++attempts <= 2) throw new TypeError("Failed to fetch dynamically imported module");
    return import("./keyv-engine.js");
  };
  const storage = createStorage(lazyKeyvEngine(new Keyv(), load));
  expect(attempts).toBe(0);
  for (let failed = 1; failed <= 2; failed++) {
    await expect(storage.set("a", 1)).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringContaining("dynamically imported"),
    });
  }
  await storage.set("a", 1);
  expect(await storage.get("a")).toBe(1);
  expect(attempts).toBe(3);
});

test("does not load the engine only to close the Keyv", async () => {
  const store = new FailingStore();
  const load = vi.fn<() => Promise<typeof import("./keyv-engine.js")>>();
  await createStorage(lazyKeyvEngine(new Keyv({ store }), load)).close();
  expect(load).not.toHaveBeenCalled();
  expect(store.isConnected).toBe(false);
});
