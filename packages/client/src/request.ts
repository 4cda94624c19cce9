import { call, type CallOptions } from "./call.js";
import type { Connection } from "./connection.js";
import { MatrixError } from "./errors.js";
import type { Json } from "./json.js";
import { renew } from "./renew.js";
import type { Session } from "./session.js";
import { requireSession } from "./session-life.js";

export interface RequestOptions extends CallOptions {
  /** `false` sends no access token, and needs no session; `true` by default. */
  readonly authenticated?: boolean;
}

interface OwnOptions extends RequestOptions {
  /** The session to make it in; by default the current one. */
  readonly session?: Session;
  readonly attempts?: "once";
}

/**
 * Makes a request to an endpoint of the client-server API and resolves with the answer's JSON. It is authenticated with the access
 * token of a session, which goes to the base URL of that session and nowhere else; when the session ends, so does the request.
 */
export async function request(
  connection: Connection,
  method: string,
  endpoint: string,
  { authenticated = true, session: given, ...options }: OwnOptions = {},
): Promise<Json> {
  if (!authenticated) return call(connection, method, endpoint, options);
  const session = given ?? requireSession(connection, `${method} ${endpoint}`);
  const { accessToken, ended } = session;
  try {
    return await call(connection, method, endpoint, { ...options, accessToken, ended });
  } catch (error) {
    if (!(error instanceof MatrixError && error.errcode === "M_UNKNOWN_TOKEN")) throw error;
    if (!(await renew(connection, session, accessToken, error))) throw error;
    return call(connection, method, endpoint, { ...options, accessToken: session.accessToken, ended });
  }
}
