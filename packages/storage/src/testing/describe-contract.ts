import { describe, test } from "vitest";
import { type ContractFixture, inNamespace, storageContract } from "../contract.js";

/**
 * Runs the contract on the stores that `makeStore` makes, an empty one for each behaviour, and again in a namespace of
 * them.
 */
export function describeContract(makeStore: () => ContractFixture | Promise<ContractFixture>): void {
  describe("keeps the contract", () => {
    test.each(storageContract)("$behaviour", async ({ check }) => check(await makeStore()));
  });
  describe("keeps the contract in a namespace", () => {
    test.each(storageContract)("$behaviour", async ({ check }) => check(inNamespace(await makeStore())));
  });
}
