import { Keyv } from "keyv";
import { expect, test } from "vitest";
import { FailingStore } from "../testing/failing-store.js";
import { toStorage } from "../to-storage.js";
import { fromKeyv } from "./from-keyv.js";

test("makes the same storage of a Keyv as toStorage", async () => {
  const keyv = new Keyv();
  const storage = fromKeyv(keyv);
  expect(storage.guarantees).toEqual({ durability: "unknown", sharing: "nobody" });
  await storage.set("a", 1);
  await toStorage(keyv).set("b", 2);
  expect(await storage.getMany(["a", "b"])).toEqual([1, 2]);
});

test("rejects what fails in the store of a Keyv that is told to keep it to itself, and disconnects the Keyv", async () => {
  const store = new FailingStore();
  const keyv = new Keyv({ store });
  keyv.on("error", () => {});
  const storage = fromKeyv(keyv);
  await storage.set("a", 1);
  store.failure = "throws";
  await expect(storage.get("a")).rejects.toMatchObject({ name: "StorageError" });
  await expect(storage.set("a", 2)).rejects.toMatchObject({ name: "StorageError" });
  store.failure = undefined;
  await storage.close();
  expect(store.isConnected).toBe(false);
});
