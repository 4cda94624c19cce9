import type { Account } from "../accounts.js";
import { optionalString } from "../call.js";
import type { Homeserver } from "../homeserver.js";
import type { JsonObject } from "../json.js";
import { MatrixError, forbidden, invalidParam } from "../matrix-error.js";
import { accountByPassword } from "../password-login.js";
import type { Endpoint } from "../router.js";
import type { Tokens } from "../sessions.js";
import { SINGLE_SIGN_ON_FLOW } from "./single-sign-on.js";

const LOGIN_TOKEN_LIFETIME_MS = 300_000;

/**
 * Logging in and out, and who is logged in.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#login
 */
export function loginEndpoints(homeserver: Homeserver): Endpoint[] {
  const { accounts, env, options, sessions } = homeserver;
  return [
    {
      method: "GET",
      path: "/_matrix/client/v3/login",
      answer: () => ({
        flows: [
          ...(options.singleSignOn === true ? [SINGLE_SIGN_ON_FLOW] : []),
          { type: "m.login.token", get_login_token: true },
          { type: "m.login.password" },
        ],
      }),
    },
    {
      method: "POST",
      path: "/_matrix/client/v3/login",
      answer(call) {
        const body = call.body();
        checkRefreshWish(body);
        const account = accountLoggingIn(homeserver, body);
        accounts.checkLock(account.userId);
        return {
          ...startSession(homeserver, account, body),
          well_known: { "m.homeserver": { base_url: homeserver.baseUrl } },
        };
      },
    },
    {
      method: "POST",
      path: "/_matrix/client/v1/login/get_token",
      answer: (call) => ({
        login_token: accounts.createLoginToken(call.session().userId, env.now() + LOGIN_TOKEN_LIFETIME_MS),
        expires_in_ms: LOGIN_TOKEN_LIFETIME_MS,
      }),
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/account/whoami",
      answer(call) {
        const { userId, deviceId } = call.session();
        return { user_id: userId, device_id: deviceId, is_guest: false };
      },
    },
    {
      method: "POST",
      path: "/_matrix/client/v3/logout",
      answer(call) {
        const { userId, deviceId: own } = call.sessionToEnd();
        sessions.end(userId, (deviceId) => deviceId === own);
        return {};
      },
    },
    {
      method: "POST",
      path: "/_matrix/client/v3/logout/all",
      answer(call) {
        sessions.end(call.sessionToEnd().userId);
        return {};
      },
    },
  ];
}

/** Logs an account in as the body of a login or a registration asks, and tells what either answers. */
export function startSession(homeserver: Homeserver, account: Account, body: JsonObject): JsonObject {
  const tokens = homeserver.sessions.start(account.userId, {
    deviceId: optionalString(body, "device_id"),
    displayName: optionalString(body, "initial_device_display_name"),
    isRefreshable: body["refresh_token"] === true,
  });
  return {
    user_id: account.userId,
    home_server: homeserver.serverName,
    device_id: tokens.deviceId,
    ...tellTokens(homeserver, tokens),
  };
}

/** What a client gets to know of its tokens. */
export function tellTokens({ env }: Homeserver, { accessToken, refreshToken, expiresAt }: Tokens): JsonObject {
  return {
    access_token: accessToken,
    ...(refreshToken !== undefined && { refresh_token: refreshToken, expires_in_ms: expiresAt - env.now() }),
  };
}

/** Refuses the body of a login or a registration that cannot decide whether it wants a refresh token. */
export function checkRefreshWish({ refresh_token: wish = false }: JsonObject): void {
  if (typeof wish !== "boolean") throw new MatrixError(400, "M_UNKNOWN", "`refresh_token` should be true or false.");
}

function accountLoggingIn(homeserver: Homeserver, body: JsonObject): Account {
  switch (body["type"]) {
    case "m.login.password":
      return byPassword(homeserver, body);
    case "m.login.token":
      return byToken(homeserver, body);
    case undefined:
      throw new MatrixError(400, "M_UNKNOWN", "Missing JSON keys.");
    default:
      throw invalidParam("Invalid login submission");
  }
}

function byPassword(homeserver: Homeserver, body: JsonObject): Account {
  const account = accountByPassword(homeserver, body);
  if (account === undefined) throw forbidden("Invalid username or password");
  return account;
}

function byToken(homeserver: Homeserver, body: JsonObject): Account {
  const { token } = body;
  if (typeof token !== "string") throw new MatrixError(400, "M_UNKNOWN", "Missing JSON keys.");
  const account = homeserver.accounts.redeemLoginToken(token, homeserver.env.now());
  if (account === undefined) throw forbidden("Invalid login token");
  return account;
}
