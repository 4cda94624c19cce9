import { stringIn } from "./answer.js";
import type { Connection } from "./connection.js";
import { type Endpoint, endpoint } from "./endpoint.js";
import { request } from "./request.js";
import { requireSession } from "./session-life.js";
import { type AbortOptions, untilAborted } from "./signals.js";
import { transactionId } from "./transaction-id.js";

export interface SendOptions {
  /**
   * By default a new one. A homeserver takes two requests of a device with the same transaction ID for the same: an answer whose ID is
   * made of what it answers is there once, also when a crash lets it be given twice.
   */
  readonly transactionId?: string | undefined;
  /** Gives up; the event may have been sent by then. */
  readonly signal?: AbortSignal | undefined;
}

/** Sends a plain text; resolves with the ID of its event. */
export async function sendText(
  connection: Connection,
  roomId: string,
  text: string,
  options?: SendOptions,
): Promise<string> {
  if (typeof text !== "string")
    throw new TypeError(`Cannot send a text to "${roomId}": it is ${typeof text}, not a string`);
  return sendEvent(connection, roomId, "m.room.message", { msgtype: "m.text", body: text }, options);
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
  content: object,
  { transactionId: given, signal }: SendOptions = {},
): Promise<string> {
  const path = endpoint`v3/rooms/${roomId}/send/${type}/${given ?? transactionId(connection.env)}`;
  return put(connection, roomId, path, content, signal);
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
  content: object,
  { signal }: AbortOptions = {},
): Promise<string> {
  const path =
    stateKey === ""
      ? endpoint`v3/rooms/${roomId}/state/${type}`
      : endpoint`v3/rooms/${roomId}/state/${type}/${stateKey}`;
  return put(connection, roomId, path, content, signal);
}

/** What waits for its turn is sent in the session in which that was asked for, or not at all. */
async function put(
  connection: Connection,
  roomId: string,
  path: Endpoint,
  content: object,
  signal?: AbortSignal,
): Promise<string> {
  if (!roomId.startsWith("!")) {
    throw new TypeError(`Cannot send to "${roomId}": it is no room ID; joinRoom() resolves an alias to one`);
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new TypeError(`Cannot send to "${roomId}": the content is not an object`);
  }
  const session = requireSession(connection, `send to "${roomId}"`);
  const options = { session, body: content, answerHas: "event_id", ...(signal && { signal }) };
  const turn = connection.turns.take(roomId, () => request(connection, "PUT", path, options));
  return stringIn(await untilAborted(turn, signal), "event_id");
}
