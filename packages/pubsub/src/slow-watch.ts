import { callHandler } from "./call-handler.js";
import { timers as runtimeTimers } from "./env.js";
import type { PublisherOptions } from "./publisher-options.js";
import type { Subscriber } from "./subscription.js";

/** Starts to watch one call of an asynchronous subscriber. Returns what stops it. */
export type SlowWatch = (message: object, subscriber: Subscriber<object>) => () => void;

/** Tells `onSlow` of calls that take longer than `slowAfterMs`; `undefined` when nobody wants to know. */
export function createSlowWatch(options: PublisherOptions): SlowWatch | undefined {
  const { onSlow, slowAfterMs = 10_000, timers = runtimeTimers } = options;
  if (onSlow === undefined) return undefined;
  const { setTimeout, clearTimeout } = timers;
  return (message, subscriber) => {
    const tell = (): void => callHandler(() => onSlow(message, subscriber));
    const timer = setTimeout(tell, slowAfterMs);
    return () => clearTimeout(timer);
  };
}
