import type { Behaviour, ContractFixture } from "./contract/behaviour.js";
import { keyBehaviours } from "./contract/keys.js";
import { leaseBehaviours } from "./contract/leases.js";
import { lifetimeBehaviours } from "./contract/lifetime.js";
import { namespaceBehaviours } from "./contract/namespaces.js";
import { transactionBehaviours } from "./contract/transactions.js";
import { valueBehaviours } from "./contract/values.js";

export type { Behaviour, ContractFixture };

/**
 * What every storage does, for the tests of an engine, in any test runner:
 *
 * ```ts
 * for (const { behaviour, check } of storageContract) test(behaviour, () => check(fixture()));
 * ```
 */
export const storageContract: readonly Behaviour[] = [
  ...keyBehaviours,
  ...valueBehaviours,
  ...namespaceBehaviours,
  ...transactionBehaviours,
  ...leaseBehaviours,
  ...lifetimeBehaviours,
];

/** The same store, seen from inside a namespace, where all of the contract holds as well. */
export function inNamespace(fixture: ContractFixture): ContractFixture {
  return {
    ...fixture,
    async open() {
      const storage = await fixture.open();
      return storage.namespace("@alice:example.org").namespace("a/b=%");
    },
  };
}
