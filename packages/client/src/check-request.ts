import type { RequestOptions } from "./request.js";
import type { AbortOptions } from "./signals.js";

/** Throws a `TypeError` for what no request can be made of; it never says what is in a body. */
export function checkRequest(attempt: string, method: string, options: RequestOptions): void {
  const wrong = (found: string): TypeError => new TypeError(`Cannot ${attempt}: ${found}`);
  if (!/^[a-z]+$/i.test(method)) throw wrong(`"${method}" is not a method like "GET"`);
  for (const name of ["timeoutMs", "maxBodyBytes"] as const) {
    const limit: unknown = options[name];
    if (limit !== undefined && !(typeof limit === "number" && limit > 0))
      throw wrong(`${name} is not a number above 0`);
  }
  const body: unknown = options.body;
  if (body === undefined) return;
  if (typeof body !== "object" || body === null) throw wrong("the body is not an object or an array");
  if (/^(GET|HEAD)$/i.test(method)) throw wrong("it takes no body; pass a query");
}

/** Throws a `TypeError` for what cannot be aborted. */
export function checkSignal(options: AbortOptions | undefined): void {
  const signal: unknown = options?.signal;
  const isSignal = typeof signal === "object" && signal && "aborted" in signal && "addEventListener" in signal;
  if (signal !== undefined && !isSignal) {
    throw new TypeError("Cannot use the client: signal is not an AbortSignal; pass the signal of an AbortController");
  }
}

/** A body as it is sent. What the runtime says of one that cannot be written is not told: it may hold what the body does. */
export function writeBody(attempt: string, body: object): string {
  try {
    const text = JSON.stringify(body);
    if (/^[[{]/.test(text)) return text;
  } catch {
    // The same: a cycle, a BigInt, or what nests too deep.
  }
  throw new TypeError(`Cannot ${attempt}: JSON cannot write the body; leave out cycles, BigInts and the like`);
}
