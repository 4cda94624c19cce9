import { isJsonObject } from "./json.js";
import { isToken } from "./tokens.js";

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

/** Names what is wrong, but not what it is: these are secrets. */
export function checkCredentials(credentials: unknown): void {
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
