import { authenticateAgain } from "../authenticate-again.js";
import type { Homeserver } from "../homeserver.js";
import type { JsonObject } from "../json.js";
import { badJson, missingParam } from "../matrix-error.js";
import type { Endpoint } from "../router.js";

interface PasswordChange {
  readonly newPassword: string | undefined;
  /** Whether all other devices are logged out. */
  readonly isEndingOthers: boolean;
}

/**
 * What users do to their accounts: another password, and the end.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#legacy-account-management
 */
export function accountEndpoints(homeserver: Homeserver): Endpoint[] {
  const { accounts, rooms, memberships, sessions } = homeserver;
  return [
    {
      method: "POST",
      path: "/_matrix/client/v3/account/password",
      answer(call) {
        const { userId, deviceId: own } = call.session();
        const body = call.body();
        // What is malformed is refused before anybody is asked for a password.
        readPasswordChange(body);
        const { newPassword, isEndingOthers } = readPasswordChange(authenticateAgain(homeserver, call, body));
        if (newPassword === undefined) throw missingParam("Missing params: ['new_password']");
        accounts.changePassword(userId, newPassword);
        if (isEndingOthers) sessions.end(userId, (deviceId) => deviceId !== own);
        return {};
      },
    },
    {
      method: "POST",
      path: "/_matrix/client/v3/account/deactivate",
      answer(call) {
        const { userId } = call.session();
        authenticateAgain(homeserver, call, call.body());
        accounts.deactivate(userId);
        sessions.end(userId);
        for (const room of rooms.all()) {
          const membership = room.membership(userId);
          if (membership === "join" || membership === "invite") memberships.change(room, "leave", userId, userId);
        }
        return { id_server_unbind_result: "success" };
      },
    },
  ];
}

function readPasswordChange(body: JsonObject): PasswordChange {
  const { new_password: newPassword, logout_devices: isEndingOthers = true } = body;
  if (newPassword !== undefined && typeof newPassword !== "string") throw badJson("'new_password' must be a string");
  if (typeof isEndingOthers !== "boolean") throw badJson("'logout_devices' must be true or false");
  return { newPassword, isEndingOthers };
}
