// How a message reaches its subscribers.
//
// 1. One after the other, in the order of the route; the next one is called when the one before is done.
// 2. Synchronous ones run in the caller's tick: there is no promise until a subscriber returns one.
// 3. Only the entries that the route has at the start: those appended meanwhile wait for the next message.
// 4. An entry that was removed meanwhile is still on this route, and is passed over by its flag.
// 5. Whatever fails in one entry goes to `onError`, and the next one is called.
//
// No function that every message passes through may hold a closure over `message`: the engine would allocate a context for it
// at each call, which takes as long as the rest. For the same reason there is a loop, not a recursion for each asynchronous one.
import { callHandler } from "./call-handler.js";
import { logError } from "./env.js";
import { isObject } from "./is-object.js";
import type { PublisherOptions } from "./publisher-options.js";
import { type SlowWatch, createSlowWatch } from "./slow-watch.js";
import type { Subscriber, Subscription } from "./subscription.js";
import type { Subscriptions } from "./subscriptions.js";

type MaybePromise = PromiseLike<unknown> | undefined;

const done = Promise.resolve();

export class Delivery {
  readonly #subscriptions: Subscriptions;
  readonly #onError: NonNullable<PublisherOptions["onError"]>;
  readonly #watchSlow: SlowWatch | undefined;

  constructor(subscriptions: Subscriptions, options: PublisherOptions) {
    this.#subscriptions = subscriptions;
    this.#onError = options.onError ?? ((error): void => logError("A subscriber failed:", error));
    this.#watchSlow = createSlowWatch(options);
  }

  /** Resolves when all are done, and never rejects. */
  run(message: object): Promise<void> {
    const route = this.#subscriptions.routeOf(message);
    const { length } = route;
    for (let index = 0; index < length; index++) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- routes never shrink; a check would cost every call
      const pending = this.#call(message, route[index] as Subscription);
      if (pending !== undefined) return this.#runAsync(message, route.slice(index, length), pending);
    }
    return done;
  }

  /** Goes on where the first of `rest` has returned `pending`. */
  async #runAsync(message: object, rest: readonly Subscription[], pending: MaybePromise): Promise<void> {
    for (const subscription of rest) {
      pending ??= this.#call(message, subscription);
      if (pending === undefined) continue;
      const stopWatch = this.#watchSlow?.(message, subscription.subscriber);
      try {
        await pending;
      } catch (error) {
        this.#report(error, message, subscription.subscriber);
      }
      stopWatch?.();
      pending = undefined;
    }
  }

  /** Returns what to wait for, if anything. */
  #call(message: object, subscription: Subscription): MaybePromise {
    if (subscription.isRemoved) return undefined;
    const { subscriber } = subscription;
    try {
      if (subscription.asksEachMessage && !isMatch(message, subscription)) return undefined;
      if (subscription.once) this.#subscriptions.remove(subscription.id);
      const result = subscriber(message);
      return isThenable(result) ? result : undefined;
    } catch (error) {
      this.#report(error, message, subscriber);
      return undefined;
    }
  }

  #report(error: unknown, message: object, subscriber: Subscriber<object>): void {
    const onError = this.#onError;
    callHandler(() => onError(error, message, subscriber), error);
  }
}

function isMatch(message: object, { classes }: Subscription): boolean {
  return classes.some((type) => message instanceof type);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && typeof value["then"] === "function";
}
