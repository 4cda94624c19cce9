import { StorageError } from "@mx/storage";
import type { Env } from "./env.js";
import { joinSignals, untilAborted } from "./signals.js";

/** A storage that hangs keeps a client from closing no longer than this. */
const closeLimitMs = 10_000;

/** Waits until all is freed; rejects with a `StorageError` when that takes too long. */
export async function withinCloseLimit(
  freeing: Promise<void>,
  env: Pick<Env, "setTimeout" | "clearTimeout">,
): Promise<void> {
  const limit = joinSignals();
  const found = `its storage has not finished within ${closeLimitMs} ms`;
  const timeUp = (): void => limit.abort(new StorageError(`Cannot close the client: ${found}`));
  const timer = env.setTimeout(timeUp, closeLimitMs);
  try {
    await untilAborted(freeing, limit);
  } finally {
    env.clearTimeout(timer);
  }
}
