import fc from "fast-check";
import { expect, test } from "vitest";
import { type MessageClass, Publisher } from "./index.js";

class Base {
  readonly isBase = true;
}
class Left extends Base {}
class Right extends Base {}
class Deep extends Left {}
class Even {
  readonly isEven = true;
  static [Symbol.hasInstance](value: object): boolean {
    return value instanceof Numbered && value.number % 2 === 0;
  }
}
class Numbered extends Right {
  readonly number: number;
  constructor(number: number) {
    super();
    this.number = number;
  }
}

const types: (MessageClass | MessageClass[])[] = [Base, Left, Right, Deep, Even, Numbered, Object, [Left, Even], []];
const messages = [new Base(), new Left(), new Right(), new Deep(), new Numbered(1), new Numbered(2), {}];

/** What a script does, and what a subscriber does when it is called. */
type Step =
  | { readonly act: "subscribe"; readonly type: number; readonly once: boolean; readonly steps: readonly Step[] }
  | { readonly act: "unsubscribe"; readonly nth: number }
  | { readonly act: "publish"; readonly message: number; readonly isAwaited: boolean }
  | { readonly act: "wait"; readonly ticks: number }
  | { readonly act: "throw" };

const { step } = fc.letrec<{ step: Step; steps: Step[] }>((tie) => ({
  steps: fc.array(tie("step"), { maxLength: 4, depthIdentifier: "steps" }),
  step: fc.oneof(
    { depthIdentifier: "steps", depthSize: "small" },
    { weight: 3, arbitrary: fc.record({ act: fc.constant("publish"), message: fc.nat(6), isAwaited: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant("unsubscribe"), nth: fc.nat(12) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("wait"), ticks: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("throw") }) },
    {
      weight: 4,
      arbitrary: fc.record({ act: fc.constant("subscribe"), type: fc.nat(8), once: fc.boolean(), steps: tie("steps") }),
    },
  ),
}));

/** What both the publisher and the model can do. */
interface Bus {
  subscribe(type: MessageClass | MessageClass[], subscriber: () => unknown, options: { once: boolean }): unknown;
  unsubscribe(id: unknown): boolean;
  publish(message: object): Promise<void>;
}

/** The rules, as short as they can be said. No list is ever changed: a publish goes through the one that it started with. */
class Model implements Bus {
  #subscriptions: { readonly classes: MessageClass[]; readonly subscriber: () => unknown; readonly once: boolean }[] =
    [];
  readonly #onError: () => void;

  constructor(onError: () => void) {
    this.#onError = onError;
  }

  subscribe(type: MessageClass | MessageClass[], subscriber: () => unknown, { once }: { once: boolean }): unknown {
    const subscription = { classes: [type].flat(), subscriber, once };
    this.#subscriptions = [...this.#subscriptions, subscription];
    return subscription;
  }

  unsubscribe(id: unknown): boolean {
    const isFound = this.#subscriptions.some((subscription) => subscription === id);
    this.#subscriptions = this.#subscriptions.filter((subscription) => subscription !== id);
    return isFound;
  }

  async publish(message: object): Promise<void> {
    for (const subscription of this.#subscriptions) {
      if (!this.#subscriptions.includes(subscription)) continue;
      if (!subscription.classes.some((type) => message instanceof type)) continue;
      if (subscription.once) this.unsubscribe(subscription);
      try {
        const result = subscription.subscriber();
        if (result instanceof Promise) await result;
      } catch {
        this.#onError();
      }
    }
  }
}

/** Runs the script and returns all that could be seen. */
async function trace(makeBus: (onError: () => void) => Bus, script: readonly Step[]): Promise<string[]> {
  const seen: string[] = [];
  const ids: unknown[] = [];
  const published: Promise<void>[] = [];
  const bus = makeBus(() => seen.push("error"));
  // A subscriber may publish to itself: the script ends when this is used up.
  let stepsLeft = 150;

  function subscribe({ type, once, steps }: Step & { act: "subscribe" }): void {
    const name = ids.length;
    const isAsync = steps.some((each) => each.act === "wait" || (each.act === "publish" && each.isAwaited));
    const subscriber = isAsync
      ? async (): Promise<void> => {
          seen.push(`${name} starts`);
          await runAsync(steps);
          seen.push(`${name} ends`);
        }
      : (): void => {
          seen.push(`${name}`);
          for (const each of steps) void run(each);
        };
    ids.push(bus.subscribe(types[type] ?? [], subscriber, { once }));
  }

  function run(one: Step): Promise<void> | undefined {
    if (stepsLeft-- <= 0) return undefined;
    if (one.act === "subscribe") subscribe(one);
    if (one.act === "unsubscribe") seen.push(`removed ${one.nth}: ${bus.unsubscribe(ids[one.nth])}`);
    if (one.act === "throw") throw new Error("step");
    if (one.act !== "publish") return undefined;
    const publish = bus.publish(messages[one.message] ?? {}).then(() => void seen.push("published"));
    published.push(publish);
    return publish;
  }

  async function runAsync(steps: readonly Step[]): Promise<void> {
    for (const each of steps) {
      if (each.act === "wait") for (let tick = 0; tick < each.ticks; tick++) await Promise.resolve();
      const publish = run(each);
      if (each.act === "publish" && each.isAwaited) await publish;
    }
  }

  for (const each of script) {
    try {
      await runAsync([each]);
    } catch {
      seen.push("script error");
    }
  }
  for (let index = 0; index < published.length; index++) await published[index];
  return seen;
}

test("whatever subscribers do to each other, a publisher does what the model does", async () => {
  const script = fc.array(step, { minLength: 3, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(script, async (steps) => {
      const actual = await trace((onError) => {
        const publisher = new Publisher({ onError });
        return {
          subscribe: (type, subscriber, options) => publisher.subscribe(type, subscriber, options),
          // @ts-expect-error -- scripts know IDs of any kind
          unsubscribe: (id) => publisher.unsubscribe(id),
          publish: (message) => publisher.publish(message),
        };
      }, steps);
      expect(actual).toEqual(await trace((onError) => new Model(onError), steps));
    }),
    { numRuns: 1500 },
  );
});
