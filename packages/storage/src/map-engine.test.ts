import { describe, expect, test } from "vitest";
import type { ContractFixture } from "./contract.js";
import { describeContract } from "./testing/describe-contract.js";
import { toStorage } from "./to-storage.js";

function makeStore(): ContractFixture {
  const map = new Map<string, unknown>();
  return { open: async () => toStorage(map), isDurable: true, isShared: true };
}

describe("toStorage of a Map", () => {
  describeContract(makeStore);

  test("keeps values as they are, under keys that say where they belong", async () => {
    const map = new Map<string, unknown>();
    const storage = toStorage(map);
    await storage.set("token", { text: "t", bytes: Uint8Array.of(1) });
    await storage.namespace("a/b").namespace("c").set("token", 1);
    expect([...map]).toEqual([
      ["=token", { text: "t", bytes: Uint8Array.of(1) }],
      ["a%2Fb/c/=token", 1],
    ]);
  });

  test("reads what its owner puts into it, and says so when that is not a value", async () => {
    const map = new Map<string, unknown>([["=token", "from outside"]]);
    const storage = toStorage(map);
    expect(await storage.get("token")).toBe("from outside");
    map.set("=token", new Date(0));
    await expect(storage.get("token")).rejects.toMatchObject({
      name: "StorageError",
      message: expect.stringContaining("instance of Date"),
    });
  });
});
