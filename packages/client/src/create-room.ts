import { stringIn } from "./answer.js";
import type { Connection } from "./connection.js";
import { isJsonObject, type JsonObject } from "./json.js";
import { request } from "./request.js";
import type { AbortOptions } from "./signals.js";

/**
 * What a new room is like, in the specification's spelling; the homeserver's defaults make it a private one.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export interface CreateRoomOptions {
  readonly name?: string | undefined;
  readonly topic?: string | undefined;
  /** The localpart of an alias: `lobby` for `#lobby:example.org`. */
  readonly room_alias_name?: string | undefined;
  /** The IDs of users to invite. */
  readonly invite?: readonly string[] | undefined;
  readonly is_direct?: boolean | undefined;
  readonly preset?: "private_chat" | "public_chat" | "trusted_private_chat" | undefined;
  readonly visibility?: "public" | "private" | undefined;
  readonly room_version?: string | undefined;
  readonly creation_content?: JsonObject | undefined;
  readonly power_level_content_override?: JsonObject | undefined;
  readonly initial_state?:
    | readonly {
        readonly type: string;
        readonly state_key?: string;
        readonly content: JsonObject;
      }[]
    | undefined;
}

/** Creates a room; resolves with its ID. */
export async function createRoom(
  connection: Connection,
  room: CreateRoomOptions = {},
  options?: AbortOptions,
): Promise<string> {
  if (!isJsonObject(room)) {
    throw new TypeError('Cannot create a room: it is not an object, such as { name: "Lobby" }');
  }
  return stringIn(
    await request(connection, "POST", "v3/createRoom", { ...options, body: room, answerHas: "room_id" }),
    "room_id",
  );
}
