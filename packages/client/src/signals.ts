/** How a caller gives up. */
export interface AbortOptions {
  /** Aborting it rejects the call with its reason. What was sent by then may have its effect. */
  readonly signal?: AbortSignal | undefined;
}

/** What tells work to stop. */
export type StopSignal = AbortSignal | JoinedSignal;

type Callbacks = Set<() => void>;

/** What is called when a signal is aborted: one listener for all of it, because runtimes warn of signals that have many. */
const callbacksOf = new WeakMap<AbortSignal, Callbacks>();

/** Calls `callback` when `signal` is aborted, at once if it is; returns what ends that. Throws a `TypeError` for what is no signal. */
export function onAbort(signal: StopSignal, callback: () => void): () => void {
  if (typeof signal.aborted !== "boolean") throw new TypeError("Cannot use the client: signal is not an AbortSignal");
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const callbacks = "callbacks" in signal ? signal.callbacks : (callbacksOf.get(signal) ?? listenTo(signal));
  // Each has its own place, also when it is the same function.
  const called = (): void => callback();
  callbacks.add(called);
  return () => {
    callbacks.delete(called);
  };
}

function listenTo(signal: AbortSignal): Callbacks {
  const callbacks: Callbacks = new Set();
  callbacksOf.set(signal, callbacks);
  signal.addEventListener("abort", () => callAll(callbacks), { once: true });
  return callbacks;
}

function callAll(callbacks: Callbacks): void {
  for (const called of callbacks) called();
  callbacks.clear();
}

/**
 * A signal that is aborted with the first of others. Whoever joins them ends that, so that nothing is left on one that lives long. It
 * is an `AbortSignal` only for those who ask for one: that takes longer to make, and to collect, than all else of a request.
 */
export class JoinedSignal {
  aborted = false;
  reason: unknown;
  readonly callbacks: Callbacks = new Set();
  readonly #ends: (() => void)[] = [];
  #controller: AbortController | undefined;

  constructor(signals: readonly (StopSignal | undefined)[]) {
    for (const given of signals) if (given) this.#ends.push(onAbort(given, () => this.abort(given.reason)));
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#controller?.abort(reason);
    callAll(this.callbacks);
  }

  end(): void {
    for (const end of this.#ends) end();
  }
}

/** Joins signals, of which some may be missing. */
export function joinSignals(...signals: readonly (StopSignal | undefined)[]): JoinedSignal {
  return new JoinedSignal(signals);
}

/** The same signal, as the runtime knows it. */
export function abortSignalOf(signal: StopSignal): AbortSignal {
  return "signal" in signal ? signal.signal : signal;
}

/** What somebody else's promise resolves with; rejects with the reason of the first signal that is aborted before, of those there are. */
export async function untilAborted<Result>(
  promise: Promise<Result> | Result,
  ...signals: readonly (StopSignal | undefined)[]
): Promise<Result> {
  const joined = joinSignals(...signals);
  try {
    return await new Promise<Result>((resolve, reject) => {
      onAbort(joined, () => reject(joined.reason));
      Promise.resolve(promise).then(resolve, reject);
    });
  } finally {
    joined.end();
  }
}
