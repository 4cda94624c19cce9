import type { Account } from "../accounts.js";
import { optionalString, requiredString } from "../call.js";
import type { Homeserver } from "../homeserver.js";
import { isObject } from "../json.js";
import type { JsonObject } from "../json.js";
import { MatrixError, missingParam } from "../matrix-error.js";
import type { Endpoint } from "../router.js";
import { checkRefreshWish, startSession } from "./login.js";

/**
 * Registration, open to everybody who completes one of its flows.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register
 */
export function registerEndpoints(homeserver: Homeserver): Endpoint[] {
  const { accounts, authentication, options, registrationTokens } = homeserver;
  const isByToken = registrationTokens.size > 0;
  const defaultFlow = [...(isByToken ? ["m.login.registration_token"] : []), "m.login.dummy"];
  const { registrationFlows = [defaultFlow] } = options;
  // By the ID of the authentication session: who was registered in it, and may ask again for the answer.
  const registered = new Map<string, Account>();
  let unnamed = 0;

  const checkName = (name: string | undefined, sessionId: unknown): void => {
    if (name === undefined) return;
    const account = typeof sessionId === "string" ? registered.get(sessionId) : undefined;
    if (account === undefined) freeLocalpart(homeserver, name);
    else if (account.userId !== homeserver.identifiers.userId(name.toLowerCase())) {
      throw new MatrixError(400, "M_UNKNOWN", "A different user ID has been registered in this session");
    }
  };

  const register = (parameters: JsonObject): Account => {
    const password = requiredString(parameters, "password");
    const name = optionalString(parameters, "username");
    return name === undefined
      ? accounts.create(String(++unnamed), password)
      : createAccount(homeserver, name, password);
  };

  return [
    {
      method: "POST",
      path: "/_matrix/client/v3/register",
      answer(call) {
        const body = call.body();
        if (call.word("kind", ["user", "guest"]) === "guest") {
          throw new MatrixError(403, "M_UNKNOWN", "Guest access is disabled");
        }
        checkRefreshWish(body);
        checkName(optionalString(body, "username"), isObject(body["auth"]) ? body["auth"]["session"] : undefined);
        const { id, parameters } = authentication.complete(call, body, registrationFlows);
        const account = registered.get(id) ?? register(parameters);
        registered.set(id, account);
        if (parameters["inhibit_login"] !== true) return startSession(homeserver, account, parameters);
        return { user_id: account.userId, home_server: homeserver.serverName };
      },
    },
    {
      method: "GET",
      path: "/_matrix/client/v1/register/m.login.registration_token/validity",
      answer(call) {
        const token = call.query.get("token");
        if (token === null) throw missingParam("Missing string query parameter 'token'");
        return { valid: registrationTokens.has(token) };
      },
    },
  ];
}

/** Makes an account as registration does that logs nobody in. Throws what would be the answer when the name is refused. */
export function createAccount(homeserver: Homeserver, username: string, password: string): Account {
  return homeserver.accounts.create(freeLocalpart(homeserver, username), password);
}

function freeLocalpart(homeserver: Homeserver, name: string): string {
  const username = name.toLowerCase();
  if (username === "") throw invalidUsername("User ID cannot be empty");
  if (username.startsWith("_")) throw invalidUsername("User ID may not begin with _");
  if (/^\d+$/.test(username)) throw invalidUsername("Numeric user IDs are reserved for guest users.");
  if (!/^[a-z\d=_\-./+]+$/.test(username)) {
    throw invalidUsername("User ID can only contain characters a-z, 0-9, or '=_-./+'");
  }
  const userId = homeserver.identifiers.userId(username);
  if (userId.length > 255) throw invalidUsername("User ID may not be longer than 255 characters");
  if (homeserver.accounts.get(userId) !== undefined) {
    throw new MatrixError(400, "M_USER_IN_USE", "User ID already taken.");
  }
  return username;
}

function invalidUsername(message: string): MatrixError {
  return new MatrixError(400, "M_INVALID_USERNAME", message);
}
