import { backOffMs } from "./back-off.js";
import { BodyTooLargeError } from "./body.js";
import type { Env } from "./env.js";
import { ConnectionError, MatrixError } from "./errors.js";
import type { Exchange, HttpRequest } from "./exchange.js";
import { wait } from "./wait.js";

const maxAttempts = 5;
const repeatable: ReadonlySet<string> = new Set(["GET", "PUT", "DELETE"]);

/**
 * Tries an exchange again where that can help and cannot harm:
 * 1. A rate limit was not processed, so every method is tried again, after the time that the homeserver asks for.
 * 2. A lost connection, a broken answer or a 5xx may have been processed: only methods whose repetition has no second effect
 *    (`GET`, `DELETE`, and `PUT`, which carries a transaction ID or a state key) are tried again.
 * 3. The first of these is tried at once, because a homeserver may close an idle socket in the moment in which it is used again.
 * When the next attempt would begin after the request's deadline, the last error is what the caller sees.
 */
export function withRetries(exchange: Exchange, env: Env): Exchange {
  return async (request) => {
    const startedAt = env.now();
    for (let attempt = 1; ; attempt++) {
      try {
        return await exchange(request);
      } catch (error) {
        const delayMs = attempt < maxAttempts ? delayBeforeRetryMs(error, request, attempt, env) : undefined;
        if (delayMs === undefined || env.now() - startedAt + delayMs >= request.timeoutMs) throw error;
        await wait(env, delayMs, request.signal);
      }
    }
  };
}

/** `undefined` when the error is final. */
function delayBeforeRetryMs(error: unknown, request: HttpRequest, attempt: number, env: Env): number | undefined {
  if (request.signal.aborted) return undefined;
  if (!(error instanceof MatrixError || error instanceof ConnectionError)) return undefined;
  if (error instanceof BodyTooLargeError) return undefined;
  if (error.status === 429) return error.retryAfterMs ?? backOffMs(env, attempt);
  if (!repeatable.has(request.method)) return undefined;
  const broken = error instanceof ConnectionError && (error.status === undefined || error.status < 300);
  if (broken && attempt === 1) return 0;
  return broken || (error.status ?? 0) >= 500 ? (error.retryAfterMs ?? backOffMs(env, attempt)) : undefined;
}
