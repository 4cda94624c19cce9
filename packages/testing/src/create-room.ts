import { isUserId } from "./identifiers.js";
import type { Identifiers } from "./identifiers.js";
import { isObject } from "./json.js";
import type { JsonObject } from "./json.js";
import { MatrixError, badJson, forbidden, invalidParam } from "./matrix-error.js";
import type { Memberships } from "./memberships.js";
import type { Room } from "./room.js";
import type { Rooms } from "./rooms.js";

/** The one version of rooms that this homeserver makes. */
export const ROOM_VERSION = "11";

interface Preset {
  readonly joinRule: string;
  readonly inviteLevel: number;
  readonly guestsCanJoin: boolean;
  readonly inviteesRuleToo: boolean;
}

const PRESETS: ReadonlyMap<unknown, Preset> = new Map([
  ["private_chat", { joinRule: "invite", inviteLevel: 0, guestsCanJoin: true, inviteesRuleToo: false }],
  ["trusted_private_chat", { joinRule: "invite", inviteLevel: 0, guestsCanJoin: true, inviteesRuleToo: true }],
  ["public_chat", { joinRule: "public", inviteLevel: 50, guestsCanJoin: false, inviteesRuleToo: false }],
]);

interface InitialState {
  readonly type: string;
  readonly content: JsonObject;
  readonly stateKey?: string;
}

/** What creating a room needs of the homeserver. */
export interface RoomCreation {
  readonly rooms: Rooms;
  readonly memberships: Memberships;
  readonly identifiers: Identifiers;
}

/**
 * Creates a room from the body of a request: the events that every room begins with, those of the preset, those asked for, and
 * the invitations, in this order. Creates nothing when one of them is refused.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export function createRoom({ rooms, memberships, identifiers }: RoomCreation, creator: string, body: JsonObject): Room {
  const presetName = body["preset"] ?? (body["visibility"] === "public" ? "public_chat" : "private_chat");
  const preset = PRESETS.get(presetName);
  if (preset === undefined) throw badJson(`${JSON.stringify(presetName)} is not a valid preset`);
  checkVersion(body["room_version"] ?? ROOM_VERSION);
  const invitees = inviteesIn(body);
  if (invitees.includes(creator)) throw forbidden(`${creator} is already in the room.`);
  const alias = aliasIn(body, identifiers);
  if (alias !== undefined && rooms.resolveAlias(alias) !== undefined) {
    throw new MatrixError(400, "M_ROOM_IN_USE", "Room alias already taken");
  }
  const asked = initialStateIn(body);

  const room = rooms.create();
  const set = ({ type, content, stateKey = "" }: InitialState): unknown =>
    rooms.send(room, { type, stateKey, content, sender: creator });
  const creation = isObject(body["creation_content"]) ? body["creation_content"] : {};
  set({ type: "m.room.create", content: { ...creation, room_version: ROOM_VERSION } });
  memberships.change(room, "join", creator, creator);
  const isAsked = (type: string): boolean => asked.some((state) => state.type === type && state.stateKey === "");
  const powerLevels = { type: "m.room.power_levels", content: powerLevelsIn(body, preset, creator, invitees) };
  for (const state of [powerLevels, ...presetState(preset, alias)]) if (!isAsked(state.type)) set(state);
  for (const state of [...asked, ...namesIn(body)]) set(state);
  const isDirect = body["is_direct"] === true ? { is_direct: true } : {};
  for (const userId of invitees) memberships.change(room, "invite", creator, userId, isDirect);
  rooms.add(room);
  if (alias !== undefined) rooms.addAlias(alias, room);
  return room;
}

function presetState(preset: Preset, alias: string | undefined): InitialState[] {
  return [
    ...(alias === undefined ? [] : [{ type: "m.room.canonical_alias", content: { alias } }]),
    { type: "m.room.join_rules", content: { join_rule: preset.joinRule } },
    { type: "m.room.history_visibility", content: { history_visibility: "shared" } },
    ...(preset.guestsCanJoin ? [{ type: "m.room.guest_access", content: { guest_access: "can_join" } }] : []),
  ];
}

function namesIn({ name, topic }: JsonObject): InitialState[] {
  return [
    ...(name === undefined ? [] : [{ type: "m.room.name", content: { name } }]),
    ...(topic === undefined
      ? []
      : [{ type: "m.room.topic", content: { topic, "m.topic": { "m.text": [{ body: topic }] } } }]),
  ];
}

function checkVersion(version: unknown): void {
  if (typeof version !== "string") throw badJson("room_version must be a string");
  if (version !== ROOM_VERSION) {
    const message = "Your homeserver does not support this room version";
    throw new MatrixError(400, "M_UNSUPPORTED_ROOM_VERSION", message);
  }
}

function inviteesIn(body: JsonObject): string[] {
  return listedIn(body["invite"]).map((userId) => {
    if (typeof userId === "string" && isUserId(userId)) return userId;
    throw new MatrixError(400, "M_UNKNOWN", `Invalid user_id: ${String(userId)}`);
  });
}

// Synapse walks through whatever `invite` is: the characters of a string, the keys of an object.
function listedIn(invite: unknown): readonly unknown[] {
  if (invite === undefined) return [];
  if (Array.isArray(invite)) return invite;
  if (typeof invite === "string") return Array.from(invite);
  if (isObject(invite)) return Object.keys(invite);
  throw invalidParam("'invite' must be an array");
}

function aliasIn(body: JsonObject, identifiers: Identifiers): string | undefined {
  const localpart = body["room_alias_name"];
  if (localpart === undefined) return undefined;
  if (typeof localpart !== "string" || localpart === "" || /[\s:]/.test(localpart)) {
    throw new MatrixError(400, "M_UNKNOWN", "Invalid characters in room alias");
  }
  return identifiers.roomAlias(localpart);
}

function initialStateIn(body: JsonObject): InitialState[] {
  const initialState: unknown = body["initial_state"] ?? [];
  if (!Array.isArray(initialState)) throw badJson("'initial_state' must be an array");
  return initialState.map((state: unknown) => {
    if (!isObject(state)) throw badJson("'initial_state' must hold state events");
    const { type, state_key: stateKey = "", content } = state;
    if (typeof type !== "string" || typeof stateKey !== "string" || !isObject(content)) {
      throw badJson("'initial_state' must hold state events");
    }
    return { type, stateKey, content };
  });
}

function powerLevelsIn(body: JsonObject, preset: Preset, creator: string, invitees: readonly string[]): JsonObject {
  const override = body["power_level_content_override"] ?? {};
  if (!isObject(override)) throw badJson("'power_level_content_override' must be an object");
  const users = override["users"];
  if (isObject(users) && !Object.hasOwn(users, creator)) {
    const message = `Not a valid power_level_content_override: 'users' did not contain ${creator}`;
    throw new MatrixError(400, "M_UNKNOWN", message);
  }
  const rulers = preset.inviteesRuleToo ? [creator, ...invitees] : [creator];
  return {
    users: Object.fromEntries(rulers.map((userId) => [userId, 100])),
    users_default: 0,
    events: {
      "m.room.name": 50,
      "m.room.avatar": 50,
      "m.room.canonical_alias": 50,
      "m.room.power_levels": 100,
      "m.room.history_visibility": 100,
      "m.room.encryption": 100,
      "m.room.server_acl": 100,
      "m.room.tombstone": 100,
    },
    events_default: 0,
    state_default: 50,
    invite: preset.inviteLevel,
    kick: 50,
    ban: 50,
    redact: 50,
    ...override,
  };
}
