/** A signal that is aborted with the first of others. Whoever joins them ends that, and with it the listeners. */
export interface JoinedSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  end(): void;
}

/** Joins signals, of which some may be missing. Unlike `AbortSignal.any`, it leaves nothing behind on a signal that lives long. */
export function joinSignals(...signals: readonly (AbortSignal | undefined)[]): JoinedSignal {
  const controller = new AbortController();
  const passOn = function (this: AbortSignal): void {
    controller.abort(this.reason);
  };
  for (const signal of signals) {
    if (signal?.aborted) passOn.call(signal);
    else signal?.addEventListener("abort", passOn);
  }
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    end() {
      for (const signal of signals) signal?.removeEventListener("abort", passOn);
    },
  };
}
