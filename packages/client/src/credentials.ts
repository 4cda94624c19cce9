import { isJsonObject, type JsonObject } from "./json.js";
import { isToken } from "./tokens.js";

/** How a user proves who they are. */
export type Credentials = PasswordCredentials | IdentifierCredentials | TokenCredentials | AccessTokenCredentials;

/** The device that logs in. */
export interface DeviceOptions {
  /** The device to be; by default a new one. */
  readonly deviceId?: string | undefined;
  /** What the user sees in the list of their devices, for a new device. */
  readonly deviceName?: string | undefined;
}

/** A password, of a user ID (`@alice:example.org`) or its localpart (`alice`). */
export interface PasswordCredentials extends DeviceOptions {
  readonly user: string;
  readonly password: string;
}

/** A password, of a user whom something else stands for. */
export interface IdentifierCredentials extends DeviceOptions {
  readonly identifier: UserIdentifier;
  readonly password: string;
}

/**
 * What stands for a user, in the specification's spelling.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#identifier-types
 */
export type UserIdentifier =
  | { readonly type: "m.id.user"; readonly user: string }
  | { readonly type: "m.id.thirdparty"; readonly medium: string; readonly address: string }
  | { readonly type: "m.id.phone"; readonly country: string; readonly phone: string };

/** A login token, such as single sign-on gives. */
export interface TokenCredentials extends DeviceOptions {
  readonly token: string;
}

/** An access token that the user has: it is checked, and used as it is. */
export interface AccessTokenCredentials {
  readonly accessToken: string;
  /** Gets the next access token, if this one ends by itself. */
  readonly refreshToken?: string;
}

const fieldsOfIdentifiers = new Map([
  ["m.id.user", ["user"]],
  ["m.id.thirdparty", ["medium", "address"]],
  ["m.id.phone", ["country", "phone"]],
]);

/** Names what is wrong, but not what it is: these are secrets. */
export function checkCredentials(credentials: unknown): void {
  if (!isJsonObject(credentials)) throw wrongCredentials("the credentials are not an object");
  if ("accessToken" in credentials) return checkTexts(credentials, ["accessToken"], ["refreshToken"], wrongCredentials);
  const required = requiredIn(credentials);
  checkTexts(credentials, required, ["deviceId", "deviceName"], wrongCredentials);
}

function requiredIn(credentials: JsonObject): readonly string[] {
  if ("token" in credentials) return ["token"];
  const { identifier } = credentials;
  if (identifier === undefined) return ["user", "password"];
  if (!isJsonObject(identifier)) throw wrongCredentials('"identifier" is not an object');
  const { type } = identifier;
  const fields = typeof type === "string" && fieldsOfIdentifiers.get(type);
  if (!fields) throw wrongCredentials(`"identifier.type" is none of ${[...fieldsOfIdentifiers.keys()].join(", ")}`);
  checkTexts(identifier, fields, [], wrongCredentials, "identifier.");
  return ["password"];
}

/** Refuses fields that are not what `login` and `register` need: texts that are not empty, and tokens that can be sent. */
export function checkTexts(
  fields: JsonObject,
  required: readonly string[],
  optional: readonly string[],
  wrong: (found: string) => TypeError,
  prefix = "",
): void {
  for (const name of [...required, ...optional]) {
    const value = fields[name];
    if (value === undefined && optional.includes(name)) continue;
    if (typeof value !== "string") throw wrong(`"${prefix}${name}" is not a string`);
    if (value === "") throw wrong(`"${prefix}${name}" is empty`);
    const isHeader = name === "accessToken" || name === "refreshToken";
    if (isHeader && !isToken(value)) throw wrong(`"${name}" holds a space, a line break or worse`);
  }
}

/** Who logs in, as a text that is the same for each login of a user as far as it can be known; nobody in the case of a token. */
export function userOf(credentials: Credentials): string {
  if ("identifier" in credentials) {
    const { identifier } = credentials;
    return identifier.type === "m.id.user" ? localpartOf(identifier.user) : JSON.stringify(Object.entries(identifier));
  }
  return "user" in credentials ? localpartOf(credentials.user) : "";
}

/** `alice` of `@alice:example.org`. */
export function localpartOf(user: string): string {
  return user.replace(/^@([^:]*):.*$/s, "$1").toLowerCase();
}

function wrongCredentials(found: string): TypeError {
  return new TypeError(
    `Cannot log in: ${found}; pass { user, password }, { identifier, password }, { token } or { accessToken }`,
  );
}
