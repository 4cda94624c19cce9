import type { EventDraft } from "./event.js";
import { isObject } from "./json.js";
import type { JsonObject } from "./json.js";
import { badJson } from "./matrix-error.js";
import type { Room } from "./room.js";

type Action = "invite" | "kick" | "ban" | "redact";

const DEFAULTS: Readonly<Record<Action | "state_default" | "events_default" | "users_default", number>> = {
  invite: 0,
  kick: 50,
  ban: 50,
  redact: 50,
  state_default: 50,
  events_default: 0,
  users_default: 0,
};

// The fields that hold levels, in themselves or by name.
const LEVELS: ReadonlySet<string> = new Set([...Object.keys(DEFAULTS), "users", "events", "notifications"]);

/**
 * Who may do what in a room.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels
 */
export class PowerLevels {
  readonly #content: JsonObject | undefined;
  readonly #creator: string | undefined;

  constructor(room: Room) {
    this.#content = room.stateEvent("m.room.power_levels")?.content;
    this.#creator = room.stateEvent("m.room.create")?.sender;
  }

  ofUser(userId: string): number {
    if (this.#content === undefined) return userId === this.#creator ? 100 : 0;
    return levelIn(this.#content["users"], userId) ?? this.#level("users_default");
  }

  toDo(action: Action): number {
    return this.#level(action);
  }

  toSend(event: Pick<EventDraft, "type" | "stateKey">): number {
    // Before there are power levels, only the creator is there, and may set the room up.
    if (this.#content === undefined) return 0;
    const fallback = event.stateKey === undefined ? "events_default" : "state_default";
    return levelIn(this.#content["events"], event.type) ?? this.#level(fallback);
  }

  #level(name: keyof typeof DEFAULTS): number {
    return levelIn(this.#content, name) ?? DEFAULTS[name];
  }
}

/** All levels that a power levels event sets, by what they are for. */
export function levelsIn(content: JsonObject | undefined): Map<string, number> {
  const levels = new Map<string, number>();
  for (const [name, value] of Object.entries(content ?? {})) {
    if (typeof value === "number") levels.set(name, value);
    if (isObject(value)) for (const [key, level] of levelsIn(value)) levels.set(`${name}: ${key}`, level);
  }
  return levels;
}

/** Refuses power levels that are not integers, as of room version 10. */
export function checkPowerLevels(content: JsonObject): void {
  for (const [name, value] of Object.entries(content)) {
    if (!LEVELS.has(name)) continue;
    for (const [key, level] of Object.entries(isObject(value) ? value : { [name]: value })) {
      if (!Number.isInteger(level)) throw badJson(`"${key}": ${JSON.stringify(level)} is not of type 'integer'`);
    }
  }
}

function levelIn(levels: unknown, name: string): number | undefined {
  if (!isObject(levels) || !Object.hasOwn(levels, name)) return undefined;
  const level = levels[name];
  return typeof level === "number" ? level : undefined;
}
