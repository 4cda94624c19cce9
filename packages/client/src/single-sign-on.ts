import type { Connection } from "./connection.js";
import { endpoint, urlOf } from "./endpoint.js";

export interface SingleSignOnOptions {
  /** The ID of one of the identity providers in `loginFlows()`; by default the homeserver lets the user choose. */
  readonly identityProvider?: string;
  /** What the user is about to do, so that the homeserver can say so. */
  readonly action?: "login" | "register";
}

/**
 * The URL that the user opens in a browser to say who they are. It leads back to `redirectUrl`, with a login token.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#client-login-via-sso
 */
export function singleSignOnUrl(
  { homeserver }: Connection,
  redirectUrl: string,
  { identityProvider, action }: SingleSignOnOptions = {},
): string {
  if (typeof redirectUrl !== "string" || !URL.canParse(redirectUrl)) {
    throw noSingleSignOn('"redirectUrl" is not a URL', "pass one that leads back to the application");
  }
  if (action !== undefined && action !== "login" && action !== "register") {
    throw noSingleSignOn('"action" is neither "login" nor "register"', "pass one of them, or none");
  }
  const path =
    identityProvider === undefined ? "v3/login/sso/redirect" : endpoint`v3/login/sso/redirect/${identityProvider}`;
  return urlOf(homeserver.baseClientUrl, path, { redirectUrl, action });
}

/**
 * The login token in the URL that the browser was led back to, for `client.login({ token })`. The URL may be one without a host, as
 * servers see it. Throws a `TypeError` when there is no token in it, or more than one.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#client-login-via-sso
 */
export function loginTokenIn(url: string | URL): string {
  const text = String(url);
  const base = "http://localhost";
  if (!URL.canParse(text, base)) throw noLoginToken("it is not a URL");
  const [token, ...others] = new URL(text, base).searchParams.getAll("loginToken");
  if (!token) throw noLoginToken("it has none");
  if (others.length > 0) throw noLoginToken("it has more than one");
  return token;
}

function noSingleSignOn(found: string, wayOut: string): TypeError {
  return new TypeError(`Cannot make a URL for single sign-on: ${found}; ${wayOut}`);
}

/** Does not say the URL: what is wrong with it may be that its token is in the wrong place. */
function noLoginToken(found: string): TypeError {
  return new TypeError(
    `Cannot take the login token out of a URL: ${found}; pass the one that the browser was led back to`,
  );
}
