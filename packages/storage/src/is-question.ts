import type { Commit } from "./engine.js";

/** Tells whether a commit changes nothing: it only asks whether what it expects is what is stored. */
export function isQuestion({ cleared, written }: Commit): boolean {
  return cleared.length === 0 && written.size === 0;
}
