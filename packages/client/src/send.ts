import { stringIn } from "./answer.js";
import type { Connection } from "./connection.js";
import { endpoint } from "./endpoint.js";
import type { JsonObject } from "./json.js";
import { request } from "./request.js";
import { requireSession } from "./session-life.js";
import { transactionId } from "./transaction-id.js";

/** Sends a plain text; resolves with the ID of its event. */
export function sendText(connection: Connection, roomId: string, text: string): Promise<string> {
  return sendEvent(connection, roomId, "m.room.message", { msgtype: "m.text", body: text });
}

/**
 * Sends a message event; resolves with its ID. What is sent to one room arrives in the order of the calls. All attempts have one
 * transaction ID, so that the homeserver takes them for the one event that they are.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid
 */
export async function sendEvent(
  connection: Connection,
  roomId: string,
  type: string,
  content: JsonObject,
): Promise<string> {
  const path = endpoint`v3/rooms/${roomId}/send/${type}/${transactionId(connection.env)}`;
  return put(connection, roomId, path, content);
}

/**
 * Sets a part of the state of a room; resolves with the ID of the event that does so. It takes its turn with the room's messages.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey
 */
export async function sendStateEvent(
  connection: Connection,
  roomId: string,
  type: string,
  stateKey: string,
  content: JsonObject,
): Promise<string> {
  const ofType = endpoint`v3/rooms/${roomId}/state/${type}`;
  return put(connection, roomId, stateKey === "" ? ofType : ofType + endpoint`/${stateKey}`, content);
}

/** What waits for its turn is sent in the session in which that was asked for, or not at all. */
async function put(connection: Connection, roomId: string, path: string, body: JsonObject): Promise<string> {
  const session = requireSession(connection, `PUT ${path}`);
  const answer = await connection.turns.take(roomId, () => request(connection, "PUT", path, { session, body }));
  return stringIn(answer, "event_id");
}
