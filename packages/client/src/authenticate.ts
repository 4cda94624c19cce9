import { call } from "./call.js";
import type { Connection } from "./connection.js";
import { ConnectionError } from "./errors.js";
import type { JsonObject } from "./json.js";
import type { Session } from "./session.js";

/** How a user proves who they are. */
export type Credentials = PasswordCredentials | TokenCredentials | AccessTokenCredentials;

interface Device {
  /** The device to be; by default the homeserver makes a new one. */
  readonly deviceId?: string;
  /** What the user sees in the list of their devices, for a new device. */
  readonly deviceName?: string;
}

/** A password, of a user ID (`@alice:example.org`) or its localpart (`alice`). */
export interface PasswordCredentials extends Device {
  readonly user: string;
  readonly password: string;
}

/** A login token, such as single sign-on gives. */
export interface TokenCredentials extends Device {
  readonly token: string;
}

/** An access token that the user has: it is checked, and used as it is. */
export interface AccessTokenCredentials {
  readonly accessToken: string;
}

/** Asks the homeserver for a session. */
export async function authenticate(connection: Connection, credentials: Credentials): Promise<Session> {
  if ("accessToken" in credentials) {
    const { accessToken } = credentials;
    requireStrings({ accessToken });
    const answer = await call(connection, "GET", "v3/account/whoami", { accessToken });
    return sessionOf(answer, accessToken);
  }
  const answer = await call(connection, "POST", "v3/login", { body: loginBody(credentials) });
  return sessionOf(answer, answer["access_token"]);
}

function loginBody(credentials: PasswordCredentials | TokenCredentials): JsonObject {
  const { deviceId, deviceName } = credentials;
  const device = {
    ...(deviceId !== undefined && { device_id: deviceId }),
    ...(deviceName !== undefined && { initial_device_display_name: deviceName }),
  };
  if ("token" in credentials) {
    const { token } = credentials;
    requireStrings({ token });
    return { type: "m.login.token", token, ...device };
  }
  const { user, password } = credentials;
  requireStrings({ user, password });
  return { type: "m.login.password", identifier: { type: "m.id.user", user }, password, ...device };
}

/** Names what is wrong, but not what it is: these are secrets. */
function requireStrings(fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string" && value !== "") continue;
    const found = value === "" ? "is empty" : "is not a string";
    throw new TypeError(`Cannot log in: "${name}" ${found}; pass { user, password }, { token } or { accessToken }`);
  }
}

function sessionOf(answer: JsonObject, accessToken: unknown): Session {
  const { user_id: userId, device_id: deviceId } = answer;
  if (typeof userId !== "string" || typeof deviceId !== "string" || typeof accessToken !== "string") {
    throw new ConnectionError("Cannot log in: the homeserver's answer lacks a user ID, a device ID or an access token");
  }
  return { userId, deviceId, accessToken };
}
