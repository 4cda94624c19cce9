import { describe, test } from "vitest";
import type { ContractFixture } from "./contract.js";
import { memoryStorage } from "./memory.js";
import { checkModel } from "./testing/check-model.js";
import { describeContract } from "./testing/describe-contract.js";

const makeStore = (): ContractFixture => ({ open: async () => memoryStorage(), isDurable: false, isShared: false });

describe("memoryStorage", () => {
  describeContract(makeStore);

  test("does what a plain object does, whatever the keys, the names and the order of the steps", () =>
    checkModel(makeStore, 300));
});
