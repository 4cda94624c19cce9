import { requiredString } from "../call.js";
import type { Call } from "../call.js";
import type { Homeserver } from "../homeserver.js";
import type { JsonObject } from "../json.js";
import { badJson, forbidden } from "../matrix-error.js";
import type { Endpoint } from "../router.js";

/**
 * What users do to their accounts: another password, and the end.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#account-registration-and-management
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
        const { logout_devices: isLoggingOut = true } = body;
        if (typeof isLoggingOut !== "boolean") throw badJson("'logout_devices' must be true or false");
        const parameters = authenticateAgain(homeserver, call, body);
        accounts.changePassword(userId, requiredString(parameters, "new_password"));
        if (parameters["logout_devices"] !== false) sessions.end(userId, (deviceId) => deviceId !== own);
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

/** Asks a user who is logged in for their password, before something that a stolen token must not do. Returns the parameters. */
export function authenticateAgain(homeserver: Homeserver, call: Call, body: JsonObject): JsonObject {
  const { userId } = call.session();
  const { proofs, parameters } = homeserver.authentication.complete(call, body, [["m.login.password"]]);
  if (proofs.get("m.login.password") !== userId) throw forbidden("Invalid auth");
  return parameters;
}
