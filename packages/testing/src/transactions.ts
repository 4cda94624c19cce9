import type { Session } from "./sessions.js";

/**
 * Remembers which event a transaction ID has made, so that a request that is sent again takes effect once. A transaction belongs
 * to a device and a room, and outlives the access token that it was first sent with.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers
 */
export class Transactions {
  readonly #eventIds = new Map<string, string>();

  /** The event of this transaction: the one that it has made already, or else what `send` makes now. */
  once(session: Session, roomId: string, transactionId: string, send: () => string): string {
    const key = JSON.stringify([session.userId, session.deviceId, roomId, transactionId]);
    const eventId = this.#eventIds.get(key) ?? send();
    this.#eventIds.set(key, eventId);
    return eventId;
  }
}
