import { objectOf } from "./answer.js";
import { call } from "./call.js";
import type { Connection } from "./connection.js";
import { ConnectionError } from "./errors.js";
import { isJsonObject, type Json, type JsonObject } from "./json.js";
import { Session } from "./session.js";

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
  checkCredentials(credentials);
  if ("accessToken" in credentials) {
    const { accessToken } = credentials;
    return sessionOf(await call(connection, "GET", "v3/account/whoami", { accessToken }), accessToken);
  }
  const answer = objectOf(await call(connection, "POST", "v3/login", { body: loginBody(credentials) }));
  return sessionOf(answer, answer["access_token"]);
}

/** Ends a session that nobody will use, if it was made for this; as well as that is possible. */
export async function discard(connection: Connection, session: Session, credentials: Credentials): Promise<void> {
  if ("accessToken" in credentials) return;
  await call(connection, "POST", "v3/logout", { accessToken: session.accessToken, body: {} }).catch(() => {
    // Why it is not wanted is what the caller tells, and the user sees the device in their list.
  });
}

function loginBody(credentials: PasswordCredentials | TokenCredentials): JsonObject {
  const { deviceId, deviceName } = credentials;
  const device = {
    ...(deviceId !== undefined && { device_id: deviceId }),
    ...(deviceName !== undefined && { initial_device_display_name: deviceName }),
  };
  if ("token" in credentials) return { type: "m.login.token", token: credentials.token, ...device };
  const { user, password } = credentials;
  return { type: "m.login.password", identifier: { type: "m.id.user", user }, password, ...device };
}

/** Names what is wrong, but not what it is: these are secrets. */
function checkCredentials(credentials: unknown): void {
  if (!isJsonObject(credentials)) throw wrongCredentials("the credentials are not an object");
  const single = ["accessToken", "token"].find((name) => name in credentials);
  for (const name of single ? [single] : ["user", "password"]) {
    const value = credentials[name];
    if (typeof value !== "string") throw wrongCredentials(`"${name}" is not a string`);
    if (value === "") throw wrongCredentials(`"${name}" is empty`);
    if (name === "accessToken" && !isToken(value))
      throw wrongCredentials(`"${name}" holds a space, a line break or worse`);
  }
}

function wrongCredentials(found: string): TypeError {
  return new TypeError(`Cannot log in: ${found}; pass { user, password }, { token } or { accessToken }`);
}

/** Tells whether something can be sent as an access token: one that cannot would turn up in the error of who tries. */
function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[!-~]+$/.test(value);
}

function sessionOf(answer: Json, accessToken: unknown): Session {
  const { user_id: userId, device_id: deviceId } = objectOf(answer);
  const hasDevice = deviceId === undefined || typeof deviceId === "string";
  if (typeof userId !== "string" || !hasDevice || !isToken(accessToken)) {
    throw new ConnectionError("Cannot log in: the homeserver's answer lacks a user ID or an access token");
  }
  return new Session(userId, deviceId, accessToken);
}
