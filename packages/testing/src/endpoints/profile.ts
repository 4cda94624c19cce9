import { isUserId } from "../identifiers.js";
import type { Account } from "../accounts.js";
import type { Homeserver } from "../homeserver.js";
import { MatrixError, invalidParam, missingParam, notFound } from "../matrix-error.js";
import type { Endpoint } from "../router.js";
import { userSuspended } from "../suspension.js";

const MAX_DISPLAYNAME_LENGTH = 256;

/**
 * Profiles, which everybody may read, and whose display name shows in the user's rooms.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#profiles
 */
export function profileEndpoints(homeserver: Homeserver): Endpoint[] {
  const accountOf = (userId: string): Account => {
    if (!isUserId(userId)) throw invalidParam("Invalid user id");
    const account = homeserver.accounts.get(userId);
    if (account === undefined) throw notFound("Profile was not found");
    return account;
  };
  return [
    {
      method: "GET",
      path: "/_matrix/client/v3/profile/{userId}",
      answer(call) {
        const { displayname } = accountOf(call.parameter("userId"));
        if (displayname === undefined) throw notFound("Profile was not found");
        return { displayname };
      },
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/profile/{userId}/displayname",
      answer: (call) => ({ displayname: accountOf(call.parameter("userId")).displayname ?? null }),
    },
    {
      method: "PUT",
      path: "/_matrix/client/v3/profile/{userId}/displayname",
      answer(call) {
        const { userId } = call.session();
        if (accountOf(userId).isSuspended) throw userSuspended();
        const { displayname } = call.body();
        if (displayname === undefined) throw missingParam("Missing key 'displayname'");
        if (typeof displayname !== "string") throw invalidParam("'displayname' must be a string");
        if (call.parameter("userId") !== userId) {
          throw new MatrixError(400, "M_FORBIDDEN", "Cannot set another user's displayname");
        }
        if (displayname.length > MAX_DISPLAYNAME_LENGTH) {
          throw new MatrixError(400, "M_UNKNOWN", `Displayname is too long (max ${MAX_DISPLAYNAME_LENGTH})`);
        }
        accountOf(userId).displayname = displayname === "" ? undefined : displayname;
        homeserver.memberships.refreshProfile(userId);
        return {};
      },
    },
  ];
}
