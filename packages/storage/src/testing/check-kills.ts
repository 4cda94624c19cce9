import { expect } from "vitest";
import type { Storage } from "../storage.js";
import { Writer } from "./start-writer.js";

/** MX_KILLS says how often: CI has more time than `npm test`. */
const kills = Number(process.env["MX_KILLS"] ?? 2);

/** Kills a process again and again while it commits, and looks at what is left each time. */
export async function checkKills(kind: "file" | "sqlite", path: string, open: () => Promise<Storage>): Promise<void> {
  for (let kill = 0; kill < kills; kill++) {
    const writer = new Writer(kind, path, "commit");
    await writer.commits(1 + 7 * kill);
    await writer.kill();
    await using storage = await open();
    const [number, ...others] = await storage.getMany(Array.from({ length: 5 }, (_, key) => `key ${key}`));
    expect(others).toEqual([number, number, number, number]);
    expect(number).toBeGreaterThanOrEqual(writer.acknowledged);
  }
}
