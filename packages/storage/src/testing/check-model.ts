import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { ContractFixture } from "../contract.js";
import { StorageError } from "../storage-error.js";
import type { Storage } from "../storage.js";
import { EngineFailures, type Failure } from "./engine-failures.js";
import {
  type State,
  type Step,
  arbitraryConcurrentStep,
  arbitraryStep,
  simulate,
  stateOf,
  take,
  valueAt,
} from "./model-steps.js";

/** What the store may hold: one state, or several when it is not known whether something was written. */
interface Model {
  states: readonly State[];
}

/** What has become of a step. */
type Outcome = { readonly result: unknown } | { readonly error: StorageError };

/** MX_MODEL_RUNS says how many random runs to make: CI has more time than `npm test`. */
const givenRuns = process.env["MX_MODEL_RUNS"];

/**
 * Does random things with a store and with a plain object, and compares what comes of it: alone or at the same time,
 * through one storage or, if the store may be shared, through two. With `failures`, which must be injected in the
 * store's engine, a call of the engine fails now and then.
 */
export async function checkModel(
  makeStore: () => ContractFixture | Promise<ContractFixture>,
  runs: number,
  failures?: EngineFailures,
): Promise<void> {
  const failure = failures === undefined ? fc.constant(undefined) : arbitraryFailure;
  const alone = fc.tuple(fc.tuple(arbitraryStep, fc.nat(1)));
  const together = fc.array(fc.tuple(arbitraryConcurrentStep, fc.nat(1)), { minLength: 2, maxLength: 3 });
  const pauses = fc.array(fc.nat(8), { maxLength: 6 });
  const stepping = [
    fc.tuple(alone, failure).map(([steps, fails]) => new TakeSteps(steps, fails, [])),
    fc.tuple(together, failure, pauses).map((given) => new TakeSteps(...given)),
  ];
  const commands = [...stepping, ...stepping, ...stepping, fc.constant(new Reopen()), fc.constant(new Compare())];
  const property = fc.asyncProperty(fc.commands(commands, { maxCommands: 16, size: "max" }), async (steps) => {
    await using real = await OpenStore.open(await makeStore(), failures ?? new EngineFailures());
    const model: Model = { states: [new Map()] };
    await fc.asyncModelRun(() => ({ model, real }), steps);
    await new Compare().run(model, real);
  });
  await fc.assert(property, { numRuns: givenRuns === undefined ? runs : Number(givenRuns) });
}

const arbitraryFailure: fc.Arbitrary<Failure | undefined> = fc.option(
  fc.record({ after: fc.nat(3), takesEffect: fc.boolean() }),
  { nil: undefined, freq: 3 },
);

/** A store that is open, more than once if it may be. */
class OpenStore implements AsyncDisposable {
  readonly store: ContractFixture;
  readonly failures: EngineFailures;
  #storages: readonly Storage[] = [];

  private constructor(store: ContractFixture, failures: EngineFailures) {
    this.store = store;
    this.failures = failures;
  }

  static async open(store: ContractFixture, failures: EngineFailures): Promise<OpenStore> {
    const opened = new OpenStore(store, failures);
    await opened.#open();
    return opened;
  }

  get storages(): readonly Storage[] {
    return this.#storages;
  }

  storage(number: number): Storage {
    const storage = this.#storages[number % this.#storages.length];
    if (storage === undefined) throw new Error("it is not open");
    return storage;
  }

  async reopen(): Promise<void> {
    await this.#close();
    await this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.failures.prepare();
    await this.#close();
  }

  async #open(): Promise<void> {
    const times = this.store.isShared ? [1, 2] : [1];
    this.#storages = await Promise.all(times.map(() => this.store.open()));
  }

  async #close(): Promise<void> {
    await Promise.all(this.#storages.map((storage) => storage.close()));
  }
}

/** Takes steps at the same time; the outcome must be one that they could have one after the other. */
class TakeSteps implements fc.AsyncCommand<Model, OpenStore> {
  readonly #steps: readonly (readonly [step: Step, via: number])[];
  readonly #failure: Failure | undefined;
  readonly #pauses: readonly number[];

  constructor(
    steps: readonly (readonly [step: Step, via: number])[],
    failure: Failure | undefined,
    pauses: readonly number[],
  ) {
    this.#steps = steps;
    this.#failure = failure;
    this.#pauses = pauses;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: OpenStore): Promise<void> {
    real.failures.prepare(this.#failure, this.#pauses);
    const outcomes = await Promise.all(this.#steps.map(([step, via]) => this.#outcome(step, real.storage(via))));
    const { hasLostAnswer } = real.failures;
    real.failures.prepare();
    const taken = this.#steps.map(([step], index) => ({ step, outcome: outcomes[index] ?? { result: undefined } }));
    const next = model.states.flatMap((state) => statesAfter(state, taken, hasLostAnswer));
    if (next.length === 0) throw mismatch("what it resulted in", outcomes, model.states);
    model.states = distinct(next);
    // There must not be too many, or nothing is checked any more.
    if (model.states.length > 1) await new Compare().run(model, real);
  }

  async #outcome(step: Step, storage: Storage): Promise<Outcome> {
    try {
      return { result: await take(step, storage) };
    } catch (error) {
      if (error instanceof StorageError && this.#failure !== undefined) return { error };
      throw error;
    }
  }

  toString(): string {
    return fc.stringify({ steps: this.#steps, failure: this.#failure, pauses: this.#pauses });
  }
}

class Reopen implements fc.AsyncCommand<Model, OpenStore> {
  check(): boolean {
    return true;
  }

  async run(model: Model, real: OpenStore): Promise<void> {
    await real.reopen();
    if (!real.store.isDurable) model.states = [new Map()];
    else await new Compare().run(model, real);
  }

  toString(): string {
    return "reopen";
  }
}

/** Looks at everything, in lists and by key. */
class Compare implements fc.AsyncCommand<Model, OpenStore> {
  check(): boolean {
    return true;
  }

  async run(model: Model, real: OpenStore): Promise<void> {
    for (const storage of real.storages) {
      const found = await stateOf(storage);
      const fitting = model.states.filter((state) => isDeepStrictEqual(state, found));
      if (fitting.length === 0) throw mismatch("what is stored", found, model.states);
      const keys = new Set(model.states.flatMap((state) => [...state.keys()]));
      for (const key of keys) {
        const value = await valueAt(storage, key);
        if (!isDeepStrictEqual(value, found.get(key))) throw mismatch(`what is at ${key}`, value, fitting);
      }
      model.states = fitting;
    }
  }

  toString(): string {
    return "compare";
  }
}

interface TakenStep {
  readonly step: Step;
  readonly outcome: Outcome;
}

/** The states that `state` becomes when the steps are taken in some order, with the outcomes that they have had. */
function statesAfter(state: State, taken: readonly TakenStep[], hasLostAnswer: boolean): State[] {
  if (taken.length === 0) return [state];
  return taken.flatMap((first) => {
    const others = taken.filter((each) => each !== first);
    const next = statesAfterOne(state, first, hasLostAnswer);
    return next.flatMap((each) => statesAfter(each, others, hasLostAnswer));
  });
}

function statesAfterOne(state: State, { step, outcome }: TakenStep, hasLostAnswer: boolean): State[] {
  const [result, next] = simulate(step, state);
  if ("result" in outcome) return isDeepStrictEqual(result, outcome.result) ? [next] : [];
  return hasLostAnswer ? [state, next] : [state];
}

function distinct(states: readonly State[]): State[] {
  const found: State[] = [];
  for (const state of states) {
    if (!found.some((each) => isDeepStrictEqual(each, state))) found.push(state);
  }
  return found;
}

function mismatch(what: string, found: unknown, states: readonly State[]): Error {
  return new Error(
    `${what} is ${fc.stringify(found)}; what is stored should be ${states.map(fc.stringify).join(" or ")}`,
  );
}
