import { objectOf, stringIn } from "./answer.js";
import type { Connection } from "./connection.js";
import { request } from "./request.js";
import type { Session } from "./session.js";
import type { AbortOptions } from "./signals.js";

/** Whose session it is, as the homeserver sees it. */
export interface Identity {
  readonly userId: string;
  /** Missing when the access token belongs to no device, as an application service's does. */
  readonly deviceId?: string;
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3accountwhoami */
export async function whoami(connection: Connection, options?: AbortOptions): Promise<Identity> {
  const answer = objectOf(await request(connection, "GET", "v3/account/whoami", options));
  const { device_id: deviceId } = answer;
  return { userId: stringIn(answer, "user_id"), ...(typeof deviceId === "string" && { deviceId }) };
}

/** Whose session it is, as the client knows it. */
export function identityOf({ userId, deviceId }: Session): Identity {
  return { userId, ...(deviceId !== undefined && { deviceId }) };
}
