import { requiredString } from "../call.js";
import type { Homeserver } from "../homeserver.js";
import type { Endpoint } from "../router.js";
import { tellTokens } from "./login.js";

/**
 * New tokens for a refresh token.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3refresh
 */
export function refreshEndpoints(homeserver: Homeserver): Endpoint[] {
  return [
    {
      method: "POST",
      path: "/_matrix/client/v3/refresh",
      answer(call) {
        const refreshToken = requiredString(call.body(), "refresh_token");
        return tellTokens(homeserver, homeserver.sessions.refresh(refreshToken));
      },
    },
  ];
}
