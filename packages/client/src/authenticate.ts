import { objectOf } from "./answer.js";
import { call } from "./call.js";
import type { Connection } from "./connection.js";
import type { Credentials, DeviceOptions } from "./credentials.js";
import { ConnectionError } from "./errors.js";
import type { Json, JsonObject } from "./json.js";
import { isSameDevice, restoreSession, Session } from "./session.js";
import { type Tokens, tokensIn } from "./tokens.js";

/** Asks the homeserver for a session. */
export async function authenticate(
  connection: Connection,
  credentials: Credentials,
  signal?: AbortSignal,
): Promise<Session> {
  const options = signal && { signal };
  if ("accessToken" in credentials) {
    const { accessToken, refreshToken } = credentials;
    const answer = await call(connection, "GET", "v3/account/whoami", { ...options, accessToken });
    return sessionOf(answer, { accessToken, ...(refreshToken !== undefined && { refreshToken }) });
  }
  const body = loginBody(credentials);
  return sessionIn(
    connection,
    await call(connection, "POST", "v3/login", { ...options, body, answerHas: "access_token" }),
  );
}

/**
 * Ends a session that nobody will use, as well as that is possible; resolves with whether it is over. One whose device belongs to the
 * stored session is left alone: it is another process's.
 */
export async function discard(connection: Connection, session: Session, credentials?: Credentials): Promise<boolean> {
  if (credentials && "accessToken" in credentials) return false;
  try {
    const stored = restoreSession(await connection.storage.get("session").catch(() => undefined));
    if (stored && isSameDevice(session, stored)) return false;
    await call(connection, "POST", "v3/logout", { accessToken: session.accessToken, body: {} });
    return true;
  } catch {
    // Why it is not wanted is what the caller tells, and the user sees the device in their list.
    return false;
  }
}

/** The session that a login or a registration has led to. */
export function sessionIn({ env }: Connection, answer: Json): Session {
  return sessionOf(answer, tokensIn(objectOf(answer), env));
}

/** What a login or a registration says of its device, and that it wants a refresh token. */
export function deviceBody({ deviceId, deviceName }: DeviceOptions): JsonObject {
  return {
    refresh_token: true,
    ...(deviceId !== undefined && { device_id: deviceId }),
    ...(deviceName !== undefined && { initial_device_display_name: deviceName }),
  };
}

function loginBody(credentials: Exclude<Credentials, { accessToken: string }>): JsonObject {
  const device = deviceBody(credentials);
  if ("token" in credentials) return { type: "m.login.token", token: credentials.token, ...device };
  const identifier =
    "identifier" in credentials ? credentials.identifier : { type: "m.id.user", user: credentials.user };
  return { type: "m.login.password", identifier, password: credentials.password, ...device };
}

function sessionOf(answer: Json, tokens: Tokens): Session {
  const { user_id: userId, device_id: deviceId } = objectOf(answer);
  const hasDevice = deviceId === undefined || typeof deviceId === "string";
  if (typeof userId !== "string" || !hasDevice) {
    throw new ConnectionError("Cannot log in: the answer lacks a user ID");
  }
  return new Session(userId, deviceId, tokens);
}
