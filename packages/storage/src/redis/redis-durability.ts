import type { StorageGuarantees } from "../engine.js";

/** What the user wants to survive: a loss of power, or the end of the process. */
export type WantedDurability = "power-loss" | "process";

/** What a server has said about the writes that it acknowledges. */
interface ServerDurability {
  readonly durability: StorageGuarantees["durability"];
  /** Whether it writes a log at all; `undefined` when it does not say. */
  readonly hasLog: boolean | undefined;
}

/** Asks a server what becomes of the writes that it has acknowledged; `ask` gives `undefined` when it does not tell. */
export async function askDurability(ask: (command: string[]) => Promise<unknown>): Promise<ServerDurability> {
  const settings = settingsIn(await ask(["CONFIG", "GET", "*append*"]));
  const setLog = settings.get("appendonly");
  if (setLog !== undefined) {
    const isLossless =
      setLog === "yes" &&
      settings.get("appendfsync") === "always" &&
      settings.get("no-appendfsync-on-rewrite") !== "yes";
    return { durability: isLossless ? "power-loss" : "process", hasLog: setLog === "yes" };
  }
  // Managed servers forbid the question, but may say as much.
  const log = /^aof_enabled:([01])/m.exec(String(await ask(["INFO", "persistence"])))?.[1];
  if (log === "0") return { durability: "process", hasLog: false };
  return { durability: "unknown", hasLog: log === undefined ? undefined : true };
}

/** What to warn of, if anything. */
export function durabilityWarning(
  shownServer: string,
  wanted: WantedDurability,
  { durability, hasLog }: ServerDurability,
): string | undefined {
  if (durability === "power-loss") return undefined;
  const wayOut =
    'set "appendonly yes", "appendfsync always" and "no-appendfsync-on-rewrite no" on the server, ' +
    'or ask for less with durability: "process"';
  if (hasLog === false) {
    return (
      `The Redis at "${shownServer}" loses all that was written since its last snapshot when it is started again; ` +
      (wanted === "process" ? 'set "appendonly yes" on the server' : wayOut)
    );
  }
  if (wanted === "process") return undefined;
  return durability === "unknown"
    ? `The Redis at "${shownServer}" does not say whether it loses acknowledged writes when it is killed; ${wayOut}`
    : `The Redis at "${shownServer}" loses the last acknowledged writes when it is killed, or the power fails; ${wayOut}`;
}

/** Redis answers with a map, and a proxy in front of it maybe with a list. */
function settingsIn(reply: unknown): Map<unknown, unknown> {
  if (reply instanceof Map) return reply;
  if (Array.isArray(reply)) {
    return new Map(
      reply.flatMap((name: unknown, index) => (index % 2 === 0 ? [[name, reply[index + 1]] as const] : [])),
    );
  }
  return new Map(typeof reply === "object" && reply !== null ? Object.entries(reply) : []);
}
