import type { Timers } from "./env.js";
import type { Subscriber } from "./subscription.js";

/** Who is told of subscribers that fail or take long. What a handler throws itself goes to the console. */
export interface PublisherOptions {
  /** Is told what a subscriber threw, or rejected with. By default it goes to the console. It is not waited for. */
  readonly onError?: ((error: unknown, message: object, subscriber: Subscriber<never>) => unknown) | undefined;
  /** Is told, once a call, of an asynchronous subscriber that is not done after `slowAfterMs`. By default nobody looks. */
  readonly onSlow?: ((message: object, subscriber: Subscriber<never>) => unknown) | undefined;
  /** How long a call may take before `onSlow` is told. Default 10,000. */
  readonly slowAfterMs?: number | undefined;
  /** Measure `slowAfterMs`; by default the runtime's, and none of them keeps a process alive. */
  readonly timers?: Timers | undefined;
}
