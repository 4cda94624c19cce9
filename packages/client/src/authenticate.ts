import { objectOf } from "./answer.js";
import { call } from "./call.js";
import type { Connection } from "./connection.js";
import { checkCredentials, type Credentials, type PasswordCredentials, type TokenCredentials } from "./credentials.js";
import { ConnectionError } from "./errors.js";
import type { Json, JsonObject } from "./json.js";
import { Session } from "./session.js";
import { type Tokens, tokensIn } from "./tokens.js";

/** Asks the homeserver for a session. */
export async function authenticate(connection: Connection, credentials: Credentials): Promise<Session> {
  checkCredentials(credentials);
  if ("accessToken" in credentials) {
    const { accessToken } = credentials;
    return sessionOf(await call(connection, "GET", "v3/account/whoami", { accessToken }), { accessToken });
  }
  const answer = objectOf(await call(connection, "POST", "v3/login", { body: loginBody(credentials) }));
  return sessionOf(answer, tokensIn(answer, connection.env));
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
  if ("token" in credentials)
    return { type: "m.login.token", token: credentials.token, refresh_token: true, ...device };
  const { user, password } = credentials;
  return {
    type: "m.login.password",
    identifier: { type: "m.id.user", user },
    password,
    refresh_token: true,
    ...device,
  };
}

function sessionOf(answer: Json, tokens: Tokens): Session {
  const { user_id: userId, device_id: deviceId } = objectOf(answer);
  const hasDevice = deviceId === undefined || typeof deviceId === "string";
  if (typeof userId !== "string" || !hasDevice) {
    throw new ConnectionError("Cannot log in: the answer lacks a user ID");
  }
  return new Session(userId, deviceId, tokens);
}
