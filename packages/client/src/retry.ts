import { backOffMs } from "./back-off.js";
import { BodyTooLargeError } from "./body.js";
import type { Env } from "./env.js";
import { ConnectionError, MatrixError } from "./errors.js";
import type { Exchange, HttpRequest } from "./exchange.js";
import { wasNotSent } from "./unsent.js";
import { wait } from "./wait.js";

const maxAttempts = 6;

/** A connection that was lost says little of the next one: where each is dropped after a moment of idleness, many are lost in a row. */
const maxLostConnections = 10;

/** An error that a homeserver makes of a request, such as 500, will often be made of it again. */
const maxServerErrors = 3;

/** A homeserver that asks to come back at once is not obeyed to the letter. */
const shortestDelayMs = 50;

/**
 * Tries an exchange again where that can help and cannot harm:
 * 1. A request that was never sent, and one that a rate limit has turned away, was not processed: it is tried again, whatever it is; after
 *    the time that the homeserver asks for, if it does.
 * 2. A lost connection, a broken answer or a 5xx may have been processed: only what has no second effect (`GET`, `DELETE`, `PUT`, which
 *    carries a transaction ID or a state key, and what its caller calls idempotent) is tried again.
 * 3. The first lost connection is made anew at once, because a homeserver may close an idle one in the moment in which it is used again.
 * When the next attempt would begin after the request's deadline, the last error is what the caller sees.
 */
export function withRetries(exchange: Exchange, env: Env): Exchange {
  return async (request) => {
    const startedAt = env.monotonicMs();
    let wasSent = false;
    for (let attempt = 1; ; attempt++) {
      try {
        return await exchange(wasSent ? { ...request, wasSent } : request);
      } catch (error) {
        const delayMs = delayBeforeRetryMs(error, request, attempt, env);
        if (delayMs === undefined || env.monotonicMs() - startedAt + delayMs >= request.timeoutMs) throw error;
        wasSent ||= isFailure(error) && error.outcomeUnknown;
        await wait(env, delayMs, request.signal);
      }
    }
  };
}

/** `undefined` when the error is final. */
function delayBeforeRetryMs(error: unknown, request: HttpRequest, attempt: number, env: Env): number | undefined {
  if (request.signal.aborted || !isFailure(error) || error instanceof BodyTooLargeError) return undefined;
  const isLost = error.status === undefined && !wasNotSent(error.cause);
  if (attempt === (isLost ? maxLostConnections : maxAttempts)) return undefined;
  const { status = 0, retryAfterMs, outcomeUnknown } = error;
  const delayMs = Math.max(retryAfterMs ?? backOffMs(env, attempt), shortestDelayMs);
  if (status === 429) return delayMs;
  if (outcomeUnknown && !request.idempotent) return undefined;
  if (status < 300) return attempt === 1 && retryAfterMs === undefined ? 0 : delayMs;
  // Words that do not come whole may be those of a token that has ended.
  const isGarbled = error instanceof ConnectionError && (status >= 500 || status === 401);
  const canPass = isGarbled || (status >= 500 && attempt < maxServerErrors);
  return canPass ? delayMs : undefined;
}

function isFailure(error: unknown): error is MatrixError | ConnectionError {
  return error instanceof MatrixError || error instanceof ConnectionError;
}
