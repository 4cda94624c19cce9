import { fileProblemOf } from "../file/file-problem.js";
import { StorageError } from "../storage-error.js";

/** The result codes of SQLite that are told apart; an extended code has one of them in its lowest byte. */
const busy = 5;
const locked = 6;
const corrupt = 11;
const full = 13;
const protocol = 15;
const notDatabase = 26;

/** Tells whether an error of SQLite is that somebody else has the database locked. */
export function isLocked(error: unknown): boolean {
  const code = codeOf(error);
  return code === busy || code === locked || code === protocol;
}

/** Makes the `StorageError` of what a driver has thrown when `attempt` was made: "read from", "write to", … */
export function asStorageError(attempt: string, path: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const text = `Cannot ${attempt} "${path}"`;
  if (isLocked(cause)) {
    const advice = "keep its transactions short, or try again later";
    return new StorageError(`${text}: the database is locked by another process; ${advice}`, { code: "locked", cause });
  }
  const code = codeOf(cause);
  if (code === corrupt || code === notDatabase) {
    const advice = "put a copy of it in its place, or use another path";
    return new StorageError(`${text}: ${fileProblemOf(cause)}; ${advice}`, { code: "damaged", cause });
  }
  const advice = code === full ? "; make room, and try again" : "";
  return new StorageError(`${text}: ${fileProblemOf(cause)}${advice}`, { cause });
}

/** The result code of SQLite in what a driver has thrown: `node:sqlite` and libsql have different names for it. */
function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = "errcode" in error ? error.errcode : "rawCode" in error ? error.rawCode : undefined;
  return typeof code === "number" ? code & 0xff : undefined;
}
