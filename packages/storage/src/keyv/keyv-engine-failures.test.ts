import { Keyv } from "keyv";
import { describe, expect, test } from "vitest";
import type { Storage, StorageValue } from "../storage.js";
import { FailingStore } from "../testing/failing-store.js";
import { toStorage } from "../to-storage.js";

type State = Readonly<Record<string, StorageValue>>;

/** Something that is done to a storage, and what it makes of a state. */
interface Step {
  readonly take: (storage: Storage) => Promise<unknown>;
  readonly result: (state: State) => State;
  /** Whether it is more than one entry in the Keyv, and so is journalled. */
  readonly isJournalled: boolean;
}

const start: State = { a: "old", b: "old" };

const steps: readonly Step[] = [
  { take: (storage) => storage.set("a", "set"), result: (state) => ({ ...state, a: "set" }), isJournalled: false },
  {
    take: (storage) =>
      storage.transaction(async (transaction) => {
        transaction.set("a", [(await transaction.get("a")) ?? null, "changed"]);
        transaction.delete("b");
        transaction.set("c", "new");
      }),
    result: ({ b: _removed, ...state }) => ({ ...state, a: [state["a"] ?? null, "changed"], c: "new" }),
    isJournalled: true,
  },
  {
    take: (storage) => Promise.all([storage.set("d", "in a group"), storage.set("e", "in a group")]),
    result: (state) => ({ ...state, d: "in a group", e: "in a group" }),
    isJournalled: true,
  },
  { take: (storage) => storage.delete("d"), result: ({ d: _removed, ...state }) => state, isJournalled: true },
  {
    take: (storage) =>
      storage.transaction((transaction) => {
        transaction.clear();
        transaction.set("f", "after clearing");
      }),
    result: () => ({ f: "after clearing" }),
    isJournalled: true,
  },
];

async function stateOf(storage: Storage): Promise<State> {
  const state: Record<string, StorageValue> = {};
  for await (const [key, value] of storage.entries()) state[key] = value;
  return state;
}

/** Takes all steps; returns every state that may now be stored: a step that rejects may have been made, or not. */
async function takeSteps(storage: Storage, mayMakeWhatItRejects: boolean): Promise<State[]> {
  let possible: State[] = [start];
  for (const { take, result, isJournalled } of steps) {
    const isMade = await take(storage).then(
      () => true,
      (error: unknown) => {
        expect(error).toMatchObject({ name: "StorageError" });
        return false;
      },
    );
    const made = possible.map(result);
    if (isMade) possible = made;
    else if (!isJournalled || mayMakeWhatItRejects) possible = [...possible, ...made];
  }
  return possible;
}

describe("toStorage of a Keyv, when the n-th call of its store fails", () => {
  describe.each([
    "throws",
    "answers false",
    "emits an error and answers nothing",
    "stores and throws",
    "finds nothing",
  ] as const)("and %s", (failure) => {
    test.each([
      ["once, and the process goes on", false, false],
      ["for ever, and the process goes on", true, false],
      ["once, and the process ends", false, true],
      ["for ever, and the process ends", true, true],
    ])("%s, keeps what it has acknowledged and makes every step as a whole", async (_name, isForEver, ends) => {
      for (let call = 1; ; call++) {
        const store = new FailingStore();
        const storage = toStorage(new Keyv({ store }));
        await storage.set("a", "old");
        await storage.set("b", "old");
        const first = store.calls + call;
        store.failingCalls = { first, last: isForEver ? Number.POSITIVE_INFINITY : first };
        store.failure = failure;
        // Nobody is left to take back what it has stored and called a failure.
        const possible = await takeSteps(storage, failure === "stores and throws" && ends);
        store.failure = undefined;
        const found = ends ? undefined : await stateOf(storage);
        const foundLater = await stateOf(toStorage(new Keyv({ store })));
        expect(possible).toContainEqual(foundLater);
        if (found !== undefined) expect(found).toEqual(foundLater);
        if (store.failures > 0) continue;
        expect(foundLater).toEqual({ f: "after clearing" });
        expect(call).toBeGreaterThan(20);
        return;
      }
    });
  });
});
