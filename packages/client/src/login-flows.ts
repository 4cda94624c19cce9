import { objectOf } from "./answer.js";
import { call } from "./call.js";
import type { Connection } from "./connection.js";
import { ConnectionError } from "./errors.js";
import { isJsonObject, type Json } from "./json.js";
import type { AbortOptions } from "./signals.js";

/** A way to log in that the homeserver offers, with all that it says of it. */
export interface LoginFlow {
  /** Such as `m.login.password`, `m.login.token` or `m.login.sso`; homeservers may have others. */
  readonly type: string;
  /** Of `m.login.sso`: who can be asked who the user is, in the order to show them. Their IDs go into `ssoUrl`. */
  readonly identity_providers?: readonly IdentityProvider[];
  /** Of `m.login.token`: whether a client that has a session can get a login token for another one. */
  readonly get_login_token?: boolean;
  readonly [name: string]: unknown;
}

/** Who can be asked who the user is, for single sign-on. */
export interface IdentityProvider {
  readonly id: string;
  /** What to show the user. */
  readonly name: string;
  /** The `mxc:` URI of an image. */
  readonly icon?: string;
  /** Whose style a button should have, such as `github`. */
  readonly brand?: string;
  readonly [name: string]: unknown;
}

/**
 * Asks the homeserver how users can log in.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3login
 */
export async function loginFlows(connection: Connection, options?: AbortOptions): Promise<LoginFlow[]> {
  const { flows } = objectOf(await call(connection, "GET", "v3/login", options));
  if (!Array.isArray(flows)) throw noFlows('its "flows" is not a list');
  return flows.map(loginFlowOf);
}

function loginFlowOf(flow: Json): LoginFlow {
  if (!isJsonObject(flow) || typeof flow["type"] !== "string") throw noFlows("a flow has no type");
  const { type, identity_providers: providers, get_login_token: getsLoginToken } = flow;
  if (getsLoginToken !== undefined && typeof getsLoginToken !== "boolean") {
    throw noFlows('a "get_login_token" is neither true nor false');
  }
  if (providers === undefined) return { ...flow, type };
  if (!Array.isArray(providers)) throw noFlows('its "identity_providers" is not a list');
  return { ...flow, type, identity_providers: providers.map(identityProviderOf) };
}

function identityProviderOf(provider: Json): IdentityProvider {
  if (!isJsonObject(provider)) throw noFlows("an identity provider is not an object");
  const { id, name, icon, brand } = provider;
  if (typeof id === "string" && typeof name === "string" && isTextIfAny(icon) && isTextIfAny(brand)) {
    return { ...provider, id, name };
  }
  throw noFlows("an identity provider lacks its ID or its name, or has an icon or a brand that is no text");
}

function isTextIfAny(value: Json | undefined): boolean {
  return value === undefined || typeof value === "string";
}

function noFlows(found: string): ConnectionError {
  return new ConnectionError(`Cannot tell how to log in: in the homeserver's answer, ${found}`);
}
