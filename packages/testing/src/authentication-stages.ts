import type { Homeserver } from "./homeserver.js";
import type { Stage } from "./interactive-authentication.js";
import { MatrixError, forbidden, invalidParam, missingParam } from "./matrix-error.js";
import { accountByPassword } from "./password-login.js";

/**
 * The stages of interactive authentication that can be passed.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#authentication-types
 */
export function authenticationStages(homeserver: Homeserver): ReadonlyMap<string, Stage> {
  return new Map<string, Stage>([
    ["m.login.dummy", () => ({ proof: "" })],
    [
      "m.login.password",
      (auth) => {
        const account = accountByPassword(homeserver, auth);
        return account === undefined
          ? { failure: forbidden("Invalid username or password") }
          : { proof: account.userId };
      },
    ],
    [
      "m.login.registration_token",
      ({ token, session }) => {
        if (token === undefined) return { failure: missingParam("Missing registration token") };
        if (typeof token !== "string") return { failure: invalidParam("Registration token must be a string") };
        if (session === undefined) return { failure: missingParam("Missing authentication session") };
        return homeserver.registrationTokens.has(token)
          ? { proof: token }
          : { failure: new MatrixError(401, "M_UNAUTHORIZED", "Invalid registration token") };
      },
    ],
  ]);
}
