import type { EventDraft } from "./event.js";
import { MatrixError } from "./matrix-error.js";
import type { Room } from "./room.js";

/**
 * Refuses what suspended users put into rooms, but for what tidies up: leaving, making others leave, redacting what they have sent.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#account-suspension
 */
export function checkSuspension(room: Room, { type, sender, redacts, content }: EventDraft): void {
  const redacted = redacts === undefined ? undefined : room.event(redacts);
  if (type === "m.room.redaction" && (redacted === undefined || redacted.sender === sender)) return;
  if (type === "m.room.member" && content["membership"] === "leave") return;
  throw userSuspended();
}

/** The refusal to let a suspended user do something. */
export function userSuspended(): MatrixError {
  return new MatrixError(403, "M_USER_SUSPENDED", "Not allowed while the account is suspended");
}
