/** What Node, undici, Deno and Bun say when there was no connection: names that were not found, ports that nobody has, … */
const codes =
  /^(ECONNREFUSED|ConnectionRefused|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|EPROTO|ERR_(SSL|TLS)_\w+|CERT_\w+|\w*SELF_SIGNED_CERT\w*|UNABLE_TO_\w+)$/;

/** What Node's errors tell, and node-fetch's of them. */
interface SystemError extends Error {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly erroredSysCall?: unknown;
}

/** Tells whether an error of a `fetch` means that the request was never sent: a homeserver that has not got it has not processed it. */
export function wasNotSent(error: unknown): boolean {
  let cause = error;
  // Not for ever: an error may be its own cause.
  for (let level = 0; level < 10 && cause instanceof Error; level++, cause = cause.cause) {
    const { code, syscall, erroredSysCall = syscall }: SystemError = cause;
    if (erroredSysCall === "connect" || (typeof code === "string" && codes.test(code))) return true;
  }
  return false;
}
