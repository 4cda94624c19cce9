import { authenticate } from "./authenticate.js";
import { beginSession } from "./begin-session.js";
import type { Connection } from "./connection.js";
import { checkCredentials, type Credentials, userOf } from "./credentials.js";
import type { AbortOptions } from "./signals.js";
import type { Identity } from "./whoami.js";

/**
 * Logs in and makes the session durable.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#login
 */
export async function login(
  connection: Connection,
  credentials: Credentials,
  { signal: caller }: AbortOptions = {},
): Promise<Identity> {
  checkCredentials(credentials);
  const isNew = !("accessToken" in credentials);
  return beginSession(connection, {
    signal: caller,
    user: userOf(credentials),
    isNew,
    ...(isNew && { deviceId: credentials.deviceId }),
    authenticate: ({ deviceId, signal }) =>
      authenticate(connection, isNew && deviceId !== undefined ? { ...credentials, deviceId } : credentials, signal),
  });
}
