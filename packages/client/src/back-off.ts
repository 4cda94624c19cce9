import type { Env } from "./env.js";

const firstDelayMs = 500;
const longestDelayMs = 30_000;

/**
 * How long to wait after `failures` failures in a row: 0.5 s, 1 s, 2 s, … 30 s, of which a random half is taken off, so that the
 * clients of a homeserver that was away do not all come back in one moment.
 */
export function backOffMs(env: Env, failures: number): number {
  const fullMs = Math.min(firstDelayMs * 2 ** (failures - 1), longestDelayMs);
  const [random = 0] = env.randomBytes(1);
  return Math.round(fullMs * (1 - random / 512));
}
