import { expect } from "vitest";
import type { Storage } from "../storage.js";
import { type KilledProcess, killRounds } from "./kill-rounds.mjs";

/** MX_KILLS says how often: CI has more time than `npm test`. */
const kills = Number(process.env["MX_KILLS"] ?? 2);

/**
 * Kills a process again and again while it commits, and looks at what is left each time. `npm run bench -- storage-kills`
 * does it thousands of times.
 */
export async function checkKills(
  kind: "file" | "sqlite" | "redis",
  place: string,
  open: () => Promise<Storage>,
  how: { readonly crash?: (process: KilledProcess) => Promise<void>; readonly mayFail?: boolean } = {},
): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const results = await killRounds({ kind, place, open, rounds: kills, seed, ...how });
  expect({ seed, ...results }).toMatchObject({ seed, rounds: kills, lost: 0, torn: 0, unreadable: 0, problems: [] });
}
