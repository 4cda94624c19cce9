import { describe } from "vitest";
import type { ContractFixture } from "./contract.js";
import { memoryStorage } from "./memory.js";
import { describeContract } from "./testing/describe-contract.js";

const makeStore = (): ContractFixture => ({ open: async () => memoryStorage(), isDurable: false, isShared: false });

describe("memoryStorage", () => {
  describeContract(makeStore);
});
