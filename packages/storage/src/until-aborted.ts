/** What `items` yields; throws the reason of `signal` when it aborts, also while the next item is being waited for. */
export async function* untilAborted<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Item, void> {
  const iterator = eachOf(items);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const next = await settledOrAborted(iterator.next(), signal);
      signal?.throwIfAborted();
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } finally {
    // Not awaited: where `items` never answers, this does not either.
    iterator.return().catch(() => undefined);
  }
}

async function* eachOf<Item>(items: AsyncIterable<Item> | Iterable<Item>): AsyncGenerator<Item, void> {
  yield* items;
}

/** What `pending` resolves with, or `undefined` when the signal aborts before. */
function settledOrAborted<Result>(
  pending: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result | undefined> {
  if (signal === undefined) return pending;
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(undefined);
    signal.addEventListener("abort", abort);
    pending.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
