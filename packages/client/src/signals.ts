/** How a caller gives up. */
export interface AbortOptions {
  /** Aborting it rejects the call with its reason. What was sent by then may have its effect. */
  readonly signal?: AbortSignal;
}

type Callbacks = Set<() => void>;

/** What is called when a signal is aborted: one listener for all of it, because runtimes warn of signals that have many. */
const callbacksOf = new WeakMap<AbortSignal, Callbacks>();

/** The same of a signal of ours, on the signal itself: in a `WeakMap`, the many of them cost the garbage collector more than all else. */
const ownCallbacks: unique symbol = Symbol("callbacks");

/** Calls `callback` when `signal` is aborted, at once if it is; returns what ends that. */
export function onAbort(signal: AbortSignal & { [ownCallbacks]?: Callbacks }, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const callbacks = signal[ownCallbacks] ?? callbacksOf.get(signal) ?? listenTo(signal);
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

/** A signal that is aborted with the first of others. Whoever joins them ends that, so that nothing is left on one that lives long. */
export interface JoinedSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  end(): void;
}

/** Joins signals, of which some may be missing. */
export function joinSignals(...signals: readonly (AbortSignal | undefined)[]): JoinedSignal {
  const controller = new AbortController();
  const callbacks: Callbacks = new Set();
  const signal = Object.assign(controller.signal, { [ownCallbacks]: callbacks });
  const abort = (reason: unknown): void => {
    controller.abort(reason);
    callAll(callbacks);
  };
  const ends: (() => void)[] = [];
  for (const given of signals) if (given) ends.push(onAbort(given, () => abort(given.reason)));
  return {
    signal,
    abort,
    end() {
      for (const end of ends) end();
    },
  };
}

/** What somebody else's promise resolves with; rejects with the reason of the first signal that is aborted before, of those there are. */
export async function untilAborted<Result>(
  promise: Promise<Result> | Result,
  ...signals: readonly (AbortSignal | undefined)[]
): Promise<Result> {
  const joined = joinSignals(...signals);
  try {
    return await new Promise<Result>((resolve, reject) => {
      onAbort(joined.signal, () => reject(joined.signal.reason));
      Promise.resolve(promise).then(resolve, reject);
    });
  } finally {
    joined.end();
  }
}
