import type { RequestOptions } from "./request.js";

/** Throws a `TypeError` for what no request can be made of; it never says what is in a body. */
export function checkRequest(attempt: string, method: string, options: RequestOptions): void {
  const { timeoutMs = 1, maxBodyBytes = 1, body = {} } = options;
  if (!/^[a-z]+$/i.test(method)) throw wrong(attempt, `"${method}" is not a method like "GET"`);
  if (!isLimit(timeoutMs)) throw wrong(attempt, "timeoutMs is not a number above 0");
  if (!isLimit(maxBodyBytes)) throw wrong(attempt, "maxBodyBytes is not a number above 0");
  if (options.body && /^(GET|HEAD)$/i.test(method)) throw wrong(attempt, "it takes no body");
  if (!isObject(body)) throw wrongBody(attempt);
}

/** A body as it is sent. What the runtime says of one that cannot be written is not told: it may hold what the body does. */
export function writeBody(attempt: string, body: object): string {
  try {
    const text = JSON.stringify(body);
    if (/^[[{]/.test(text)) return text;
  } catch {
    // The same: a cycle, a BigInt, or what nests too deep.
  }
  throw wrongBody(attempt);
}

function isLimit(value: unknown): boolean {
  return typeof value === "number" && value > 0;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function wrongBody(attempt: string): TypeError {
  return wrong(attempt, "the body is not an object or array that JSON can write, without cycles and BigInts");
}

function wrong(attempt: string, found: string): TypeError {
  return new TypeError(`Cannot ${attempt}: ${found}`);
}
