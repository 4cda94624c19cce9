import type { Account } from "../accounts.js";
import { optionalString, requiredString } from "../call.js";
import type { Homeserver } from "../homeserver.js";
import { isObject } from "../json.js";
import type { JsonObject } from "../json.js";
import { MatrixError, invalidParam } from "../matrix-error.js";
import { Refusal } from "../refusal.js";
import type { Endpoint } from "../router.js";
import { checkRefreshWish, startSession } from "./login.js";

/**
 * Registration, open to everybody who takes the dummy stage of interactive authentication.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register
 */
export function registerEndpoints(homeserver: Homeserver): Endpoint[] {
  const sessions = new Set<string>();
  let unnamed = 0;
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
        const username = optionalString(body, "username");
        const localpart = username === undefined ? undefined : freeLocalpart(homeserver, username);
        authenticateInteractively(homeserver, sessions, body["auth"]);
        const password = requiredString(body, "password");
        const account = homeserver.accounts.create(localpart ?? String(++unnamed), password);
        if (body["inhibit_login"] !== true) return startSession(homeserver, account, body);
        return { user_id: account.userId, home_server: homeserver.serverName };
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

// One stage, which anybody passes, with the session that the first answer gave or without any.
function authenticateInteractively(homeserver: Homeserver, sessions: Set<string>, auth: unknown): void {
  const { type, session }: JsonObject = isObject(auth) ? auth : {};
  if (typeof session === "string" && !sessions.has(session)) {
    throw new MatrixError(400, "M_UNKNOWN", `Unknown session ID: ${session}`);
  }
  if (type === "m.login.dummy") return;
  if (type !== undefined) throw invalidParam("Invalid login submission");
  const fresh = homeserver.identifiers.secret("");
  sessions.add(fresh);
  throw new Refusal(401, { session: fresh, flows: [{ stages: ["m.login.dummy"] }], params: {} }, "Authenticate first");
}

function invalidUsername(message: string): MatrixError {
  return new MatrixError(400, "M_INVALID_USERNAME", message);
}
