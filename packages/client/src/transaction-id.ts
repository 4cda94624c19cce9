import type { Env } from "./env.js";

/** An ID that nobody has used before: homeservers take two requests with the same one for the same request. */
export function transactionId(env: Env): string {
  return Array.from(env.randomBytes(16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
