import type { Env } from "./env.js";
import { isJsonObject } from "./json.js";

/**
 * How long an answer asks to wait: its `Retry-After` header, in seconds or as a date, else the older `retry_after_ms`.
 * `undefined` when it does not ask, or not in a way that can be understood.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#rate-limiting
 */
export function retryAfterMs(
  headers: { get(name: string): string | null },
  body: unknown,
  env: Env,
): number | undefined {
  const header = headers.get("retry-after")?.trim();
  if (header) {
    const ms = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1000 : dateIn(header) - env.now();
    if (Number.isFinite(ms)) return Math.max(0, Math.ceil(ms));
  }
  const ms = isJsonObject(body) ? body["retry_after_ms"] : undefined;
  return typeof ms === "number" && Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

/** `Date.parse` takes much for a date that is none, such as "-5". */
function dateIn(header: string): number {
  // oxlint-disable-next-line no-restricted-globals -- it parses what is given, and asks no clock
  return /^[a-z]{3,9},? .*\d:\d/i.test(header) ? Date.parse(header) : Number.NaN;
}
