import { AbortListeners } from "./abort-listeners.js";
import type { AbortSignalLike } from "./abort-signal.js";
import { Delivery } from "./delivery.js";
import { isObject } from "./is-object.js";
import type { MessageClass, MessageOf, MessageType } from "./message-class.js";
import { Messages } from "./messages.js";
import type { PublisherOptions } from "./publisher-options.js";
import type { SubscribeOptions, Subscriber, SubscriptionId } from "./subscription.js";
import { Subscriptions } from "./subscriptions.js";

/** Which message `next` waits for, and how long; by default the first one, and for ever. */
export interface NextOptions<T> {
  /** Rejects with its reason when it aborts. */
  readonly signal?: AbortSignalLike | undefined;
  /** Passes over the messages for which it does not return `true`. When it throws, `next` rejects with that. */
  readonly filter?: ((message: T) => boolean) | undefined;
}

/** When `messages` ends and how much it keeps; by default when the loop is left, and everything. */
export interface MessagesOptions {
  /** Ends the iteration, without an error, when it aborts. */
  readonly signal?: AbortSignalLike | undefined;
  /**
   * While more messages than this are unread, `publish` waits. Default `Infinity`. Do not await a `publish` of such a message in
   * the body of the loop: it may wait for the loop.
   */
  readonly highWaterMark?: number | undefined;
}

// One counter for all publishers, so that an ID of one is unknown to every other.
let lastId = 0;

/** Brings messages to the subscribers of their class. */
export class Publisher {
  readonly #subscriptions = new Subscriptions();
  readonly #abortListeners = new AbortListeners();
  readonly #delivery: Delivery;

  /** Subscribers belong to one publisher; publishers know nothing of each other. */
  constructor(options: PublisherOptions = {}) {
    this.#delivery = new Delivery(this.#subscriptions, options);
  }

  /** How many subscriptions there are, with those of `next` and `messages`. */
  get size(): number {
    return this.#subscriptions.size;
  }

  /**
   * Calls `subscriber` with every message, from the next one on, that is an instance of `type` or of a subclass; `type` is a class
   * or a list of classes. The same function may subscribe any number of times. Throws a `TypeError` when `type` is no class or
   * `subscriber` no function.
   */
  subscribe<const M extends MessageType>(
    type: M,
    subscriber: Subscriber<MessageOf<M>>,
    options: SubscribeOptions = {},
  ): SubscriptionId {
    return this.#add(type, subscriber, options);
  }

  /** Ends a subscription, at once even during a publish. Returns whether there was one. */
  unsubscribe(id: SubscriptionId): boolean {
    return this.#subscriptions.remove(id);
  }

  /**
   * Calls the subscribers whose class `message` is an instance of: in the order of subscription, one after the other, waiting for
   * the asynchronous ones; synchronous ones at the front have run when it returns. Resolves when all are done. What a subscriber
   * throws goes to `onError`; only a `message` that is not an object rejects, with a `TypeError`.
   */
  publish(message: object): Promise<void> {
    if (!isObject(message)) return Promise.reject(cannot("publish", "an object", message));
    return this.#delivery.run(message);
  }

  /**
   * Resolves with the next message of `type`. Between two calls messages may pass: use `messages` for all of them. Rejects when
   * the signal aborts and when the filter throws.
   */
  next<const M extends MessageType>(type: M, options: NextOptions<MessageOf<M>> = {}): Promise<MessageOf<M>> {
    const { signal, filter = (): boolean => true } = options;
    return new Promise((resolve, reject) => {
      const receive = (message: MessageOf<M>): void => {
        try {
          if (!filter(message)) return;
          resolve(message);
        } catch (error) {
          reject(error);
        }
        this.unsubscribe(id);
      };
      const id = this.#add(type, receive, { signal }, reject);
    });
  }

  /** Iterates over the messages of `type` that are published from now on: `for await (const message of …)`. */
  messages<const M extends MessageType>(type: M, options: MessagesOptions = {}): Messages<MessageOf<M>> {
    const { signal, highWaterMark = Infinity } = options;
    if (!(highWaterMark >= 0)) throw new TypeError(`Cannot iterate: highWaterMark is "${highWaterMark}"`);
    return new Messages((receive, end) => {
      const id = this.#add(type, receive, { signal }, end);
      return () => this.unsubscribe(id);
    }, highWaterMark);
  }

  #add(
    type: MessageType,
    subscriber: Subscriber<never>,
    { signal, once = false }: SubscribeOptions,
    onAbort?: (reason: unknown) => void,
  ): SubscriptionId {
    const classes = toClasses(type);
    if (typeof subscriber !== "function") throw cannot("subscribe", "a function", subscriber);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place that makes an ID
    const id = ++lastId as SubscriptionId;
    if (signal?.aborted) {
      onAbort?.(signal.reason);
      return id;
    }
    const abort = (): void => {
      this.unsubscribe(id);
      onAbort?.(signal?.reason);
    };
    this.#subscriptions.add({
      id,
      classes,
      asksEachMessage: classes.some((each) => each[Symbol.hasInstance] !== Function.prototype[Symbol.hasInstance]),
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a route brings it messages of its classes only
      subscriber: subscriber as Subscriber<object>,
      once,
      forgetSignal: signal && this.#abortListeners.add(signal, abort),
      isRemoved: false,
    });
    return id;
  }
}

/** A list of its own, so that a caller that changes his changes nothing here. */
function toClasses(type: MessageType): MessageClass[] {
  const classes = [type].flat() as MessageClass[];
  for (const each of classes) {
    if (typeof each !== "function" || !isObject(each.prototype)) throw cannot("subscribe", "a class", each);
  }
  return classes;
}

function cannot(act: string, expected: string, found: unknown): TypeError {
  return new TypeError(`Cannot ${act}: expected ${expected}, but found "${found === null ? found : typeof found}"`);
}
