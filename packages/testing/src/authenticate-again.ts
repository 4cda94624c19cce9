import type { Call } from "./call.js";
import type { Homeserver } from "./homeserver.js";
import type { JsonObject } from "./json.js";
import { forbidden } from "./matrix-error.js";

/** Asks who is logged in for their password, before something that a stolen token must not do. Returns the parameters. */
export function authenticateAgain({ authentication }: Homeserver, call: Call, body: JsonObject): JsonObject {
  const { userId } = call.session();
  const { proofs, parameters } = authentication.complete(call, body, [["m.login.password"]]);
  if (proofs.get("m.login.password") !== userId) throw forbidden("Invalid auth");
  return parameters;
}
