/**
 * What Node, undici and Bun say when there was no connection, without a system call: a port that nobody has, a name that is not found, a
 * certificate that is not believed. Other errors of TLS may come when the request was processed, with a damaged answer.
 */
const codes =
  /^(ECONNREFUSED|ConnectionRefused|ENOTFOUND|EAI_\w+|UND_ERR_CONNECT_TIMEOUT|(ERR_TLS_)?CERT_\w+|\w*SELF_SIGNED_CERT\w*|UNABLE_TO_\w+)$/;

/** The system calls that come before anything is sent. */
const callsBefore = new Set<unknown>(["connect", "getaddrinfo"]);

/** What Node's errors tell, and node-fetch's of them. */
interface SystemError extends Error {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly erroredSysCall?: unknown;
}

/** Tells whether an error of a `fetch` means that the request was never sent: a homeserver that has not got it has not processed it. */
export function wasNotSent(error: unknown, levels = 10): boolean {
  // Not for ever: an error may be its own cause.
  if (levels === 0 || !(error instanceof Error)) return false;
  // One for each address that was tried.
  if (error instanceof AggregateError) {
    return error.errors.length > 0 && error.errors.every((each) => wasNotSent(each, levels - 1));
  }
  const { code, syscall, erroredSysCall = syscall, cause }: SystemError = error;
  if (callsBefore.has(erroredSysCall) || (typeof code === "string" && codes.test(code))) return true;
  return wasNotSent(cause, levels - 1);
}
