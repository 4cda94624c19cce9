import type { Homeserver } from "../homeserver.js";
import type { JsonObject } from "../json.js";
import { missingParam, notFound } from "../matrix-error.js";
import { Page } from "../page.js";
import type { Endpoint } from "../router.js";
import type { Call } from "../call.js";

const PROVIDER = { id: "fake", name: "Fake provider" };
const LOGIN_TOKEN_LIFETIME_MS = 120_000;

/** The login flow of single sign-on, as a client is told about it. */
export const SINGLE_SIGN_ON_FLOW: JsonObject = { type: "m.login.sso", identity_providers: [PROVIDER] };

/**
 * Single sign-on, at a provider that knows who is signed on without asking: whom the test has named.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#client-login-via-sso
 */
export function singleSignOnEndpoints(homeserver: Homeserver): Endpoint[] {
  const { accounts, env, options } = homeserver;
  if (options.singleSignOn !== true) return [];

  const redirect = (call: Call): Page => {
    const redirectUrl = call.query.get("redirectUrl");
    if (redirectUrl === null) throw missingParam("Missing string query parameter 'redirectUrl'");
    if (!URL.canParse(redirectUrl)) return new Page(400, "<h1>The address to come back to is none</h1>");
    if (homeserver.signedOn === undefined) return new Page(403, "<h1>Nobody is signed on</h1>");
    const location = new URL(redirectUrl);
    const token = accounts.createLoginToken(homeserver.signedOn, env.now() + LOGIN_TOKEN_LIFETIME_MS);
    location.searchParams.append("loginToken", token);
    return new Page(302, "<h1>You are signed on</h1>", { Location: location.href });
  };

  return [
    { method: "GET", path: "/_matrix/client/v3/login/sso/redirect", answer: redirect },
    {
      method: "GET",
      path: "/_matrix/client/v3/login/sso/redirect/{idpId}",
      answer(call) {
        if (call.parameter("idpId") !== PROVIDER.id) throw notFound("Unknown identity provider");
        return redirect(call);
      },
    },
  ];
}
