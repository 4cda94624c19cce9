import { problemOf } from "../problem.js";
import type { StorageErrorCode } from "../storage-error.js";
import { UnansweredError } from "./redis-link.js";

/** What an error of Redis means for a `StorageError`. */
export function redisProblem(error: unknown): { text: string; code: StorageErrorCode; cause: unknown } {
  const cause = withoutArguments(error instanceof UnansweredError ? error.cause : error);
  const text = problemOf(cause);
  const way = waysOut.find(([pattern]) => pattern.test(text))?.[1];
  // Redis 6 says it in the middle of what it says about the script.
  const code = /\bWRONGTYPE\b/.test(text) ? "damaged" : "failed";
  return { text: way === undefined ? text : `${text}; ${way}`, code, cause };
}

const waysOut: readonly (readonly [pattern: RegExp, way: string])[] = [
  [/^NOPERM\b/, "allow the user the keys and the channel of the storage, scripts, and pub/sub"],
  [/\bWRONGTYPE\b/, "another program uses the same keys: give the storage another name"],
  [/unknown command '?`?HELLO|NOPROTO\b/i, "Redis 6 or later is needed"],
  [/cluster support disabled/, "give the URL of one server, unless they are a cluster"],
];

/** A server that does not know a command repeats its arguments: a password, or a value. */
function withoutArguments(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const start = error.message.search(/,? with args beginning with/);
  return start < 0 ? error : new Error(error.message.slice(0, start));
}
