import { stringIn } from "./answer.js";
import type { Connection } from "./connection.js";
import { endpoint } from "./endpoint.js";
import { request } from "./request.js";
import type { AbortOptions } from "./signals.js";

export interface JoinRoomOptions extends AbortOptions {
  /** Servers that know the room, for one that the user's homeserver is not in. */
  readonly via?: readonly string[];
}

/**
 * Joins a room by its ID or alias; resolves with its ID.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3joinroomidoralias
 */
export async function joinRoom(
  connection: Connection,
  roomIdOrAlias: string,
  { via, signal }: JoinRoomOptions = {},
): Promise<string> {
  // Before version 1.12 of the specification, `via` was called `server_name`; homeservers take what they know.
  const query = via && { via, server_name: via };
  const path = endpoint`v3/join/${roomIdOrAlias}`;
  const options = {
    body: {},
    idempotent: true,
    answerHas: "room_id",
    ...(query && { query }),
    ...(signal && { signal }),
  };
  const answer = await request(connection, "POST", path, options);
  return stringIn(answer, "room_id");
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidleave */
export async function leaveRoom(connection: Connection, roomId: string, options?: AbortOptions): Promise<void> {
  await request(connection, "POST", endpoint`v3/rooms/${roomId}/leave`, { ...options, body: {}, idempotent: true });
}
