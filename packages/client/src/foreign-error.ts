import type { Redact } from "./secrets.js";

interface Problem {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
}

/**
 * What is passed on of somebody else's error, as a cause: it may hold all that it was about, so that only its name, its words and its code
 * are, and those without secrets.
 */
export function foreignError(error: unknown, redact: Redact): Error {
  const { name, message, code } = rootOf(error);
  return Object.assign(new Error(redact(message)), {
    name: redact(name),
    ...(typeof code === "string" && { code: redact(code) }),
  });
}

/** What went wrong first: runtimes say only "fetch failed" of it, or nothing when they have tried several addresses. */
function rootOf(error: unknown, levels = 10): Problem {
  // Not for ever: an error may be its own cause.
  if (levels > 0) {
    if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0], levels - 1);
    if (error instanceof Error && error.cause instanceof Error) return rootOf(error.cause, levels - 1);
  }
  if (isProblem(error)) return error;
  return new Error(typeof error === "string" ? error : typeof error);
}

/** Errors are not all of one class where there are several realms, nor is what is thrown always one. */
function isProblem(error: unknown): error is Problem {
  if (typeof error !== "object" || error === null || !("name" in error) || !("message" in error)) return false;
  return typeof error.name === "string" && typeof error.message === "string";
}
