import type { AbortSignalLike } from "./abort-signal.js";
import type { MessageClass } from "./message-class.js";

/** What is called with a message. When it returns a promise, the publisher waits for it before it goes on to the next one. */
export type Subscriber<T> = (message: T) => unknown;

/** Names one subscription. It is never used again, and means nothing to another publisher. */
export type SubscriptionId = number & { readonly [subscriptionId]: never };
declare const subscriptionId: unique symbol;

/** How long a subscription lasts; by default until `unsubscribe`. */
export interface SubscribeOptions {
  /** Unsubscribes when it aborts. With a signal that has aborted already, the subscriber is never called. */
  readonly signal?: AbortSignalLike | undefined;
  /** Unsubscribes right before the first call. */
  readonly once?: boolean | undefined;
}

/** What the publisher knows of a subscription. */
export interface Subscription {
  readonly id: SubscriptionId;
  readonly classes: readonly MessageClass[];
  /** A class has a `Symbol.hasInstance` of its own: its answer may differ from message to message. */
  readonly asksEachMessage: boolean;
  readonly subscriber: Subscriber<object>;
  readonly once: boolean;
  /** Stops listening to the signal. */
  readonly forgetSignal: (() => void) | undefined;
  /** A publish that is under way holds an older route, and looks here. */
  isRemoved: boolean;
}
