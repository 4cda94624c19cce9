import type { Account } from "./accounts.js";
import type { Homeserver } from "./homeserver.js";
import { isObject } from "./json.js";
import type { JsonObject } from "./json.js";
import { MatrixError, invalidParam } from "./matrix-error.js";

/** The account that a user identifier and a password in a body stand for; undefined where they fit none. */
export function accountByPassword({ accounts, identifiers }: Homeserver, body: JsonObject): Account | undefined {
  const { password } = body;
  if (typeof password !== "string") throw invalidParam("Bad parameter: password");
  const user = userIn(body);
  if (user === undefined) return undefined;
  const userId = user.startsWith("@") ? user : identifiers.userId(user);
  const account = accounts.get(userId) ?? accounts.get(userId.toLowerCase());
  return account?.password === password ? account : undefined;
}

// `user` beside the type is how clients named the user before there were identifiers. Nobody is known by an address.
function userIn(body: JsonObject): string | undefined {
  const identifier = body["identifier"] ?? { type: "m.id.user", user: body["user"] };
  if (!isObject(identifier) || typeof identifier["type"] !== "string") throw invalidParam("Invalid login submission");
  const { type, user, medium, address } = identifier;
  if (type === "m.id.thirdparty") {
    if (medium !== undefined && address !== undefined) return undefined;
    throw new MatrixError(400, "M_UNKNOWN", "Invalid thirdparty identifier");
  }
  if (type !== "m.id.user") throw new MatrixError(400, "M_UNKNOWN", "Unknown login identifier type");
  if (typeof user === "string") return user;
  if (body["identifier"] === undefined) throw invalidParam("Invalid login submission");
  throw new MatrixError(400, "M_UNKNOWN", "User identifier is missing 'user' key");
}
