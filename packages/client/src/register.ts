import { deviceBody, sessionIn } from "./authenticate.js";
import { beginSession } from "./begin-session.js";
import type { Connection } from "./connection.js";
import { checkTexts, type DeviceOptions, localpartOf } from "./credentials.js";
import { isJsonObject } from "./json.js";
import { request } from "./request.js";
import type { AbortOptions } from "./signals.js";
import type { Identity } from "./whoami.js";

/** What a new user is to have. */
export interface RegisterOptions extends DeviceOptions, AbortOptions {
  /** The localpart of the user ID; by default the homeserver chooses one. */
  readonly user?: string | undefined;
  /** Homeservers may demand one. */
  readonly password?: string | undefined;
}

/**
 * Makes a new user, and logs in as that user. What the homeserver wants to know before is asked by `callbacks.authenticate`.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register
 */
export async function register(connection: Connection, options: RegisterOptions = {}): Promise<Identity> {
  checkOptions(options);
  const { user, password, deviceName } = options;
  const account = { ...(user !== undefined && { username: user }), ...(password !== undefined && { password }) };
  return beginSession(connection, {
    signal: options.signal,
    user: user === undefined ? "" : localpartOf(user),
    isNew: true,
    deviceId: options.deviceId,
    async authenticate({ deviceId, signal }) {
      const device = { ...(deviceId !== undefined && { deviceId }), ...(deviceName !== undefined && { deviceName }) };
      const body = { ...account, ...deviceBody(device) };
      const how = { body, signal, answerHas: "access_token", authenticated: false };
      return sessionIn(connection, await request(connection, "POST", "v3/register", how));
    },
  });
}

function checkOptions(options: unknown): void {
  if (!isJsonObject(options)) throw wrongOptions("the options are not an object");
  checkTexts(options, [], ["user", "password", "deviceId", "deviceName"], wrongOptions);
}

function wrongOptions(found: string): TypeError {
  return new TypeError(`Cannot register: ${found}; pass { user, password, deviceId, deviceName }, or some of them`);
}
