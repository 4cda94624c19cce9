/** What is called when a signal is aborted: one listener for all of it, because runtimes warn of signals that have many. */
const callbacksOf = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `callback` when `signal` is aborted, at once if it is; returns what ends that. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const callbacks = callbacksOf.get(signal) ?? listenTo(signal);
  // Each has its own place, also when it is the same function.
  const called = (): void => callback();
  callbacks.add(called);
  return () => {
    callbacks.delete(called);
  };
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>();
  callbacksOf.set(signal, callbacks);
  const abort = (): void => {
    for (const called of callbacks) called();
    callbacks.clear();
  };
  signal.addEventListener("abort", abort, { once: true });
  return callbacks;
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
  const given = signals.filter((signal) => signal !== undefined);
  const ends = given.map((signal) => onAbort(signal, () => controller.abort(signal.reason)));
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    end() {
      for (const end of ends) end();
    },
  };
}

/** What somebody else's promise resolves with; rejects with the reason of the first signal that is aborted before. */
export async function untilAborted<Result>(
  promise: Promise<Result> | Result,
  ...signals: readonly AbortSignal[]
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
