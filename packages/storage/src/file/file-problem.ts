import { problemOf } from "../problem.js";

/** What an error of the file system or of SQLite says, and what can be done about it, for the text of a `StorageError`. */
export function fileProblemOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const problem = problemOf(error);
  const isForbidden =
    code === "EACCES" ||
    code === "EPERM" ||
    code === "EROFS" ||
    /readonly database|open database file|open connection to local database/.test(problem);
  const advice = isForbidden ? "; the file and its folder must be readable and writable for this process" : "";
  return problem + advice;
}

/** Throws a `TypeError` that names `path` when it cannot be one. */
export function requirePath(path: unknown): void {
  if (typeof path === "string" && path !== "" && !path.includes("\0")) return;
  const shown = typeof path === "string" ? JSON.stringify(path) : String(path);
  throw new TypeError(`Cannot open ${shown}: it is not the path of a file; give one, as "alice.db"`);
}
