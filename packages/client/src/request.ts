import { call, type CallOptions } from "./call.js";
import type { Connection } from "./connection.js";
import { MatrixError } from "./errors.js";
import type { JsonObject } from "./json.js";
import { requireSession } from "./session.js";
import { renewSession } from "./unknown-token.js";

export interface RequestOptions extends CallOptions {
  /** `false` sends no access token, and needs no session; `true` by default. */
  readonly authenticated?: boolean;
}

/**
 * Makes a request to an endpoint of the client-server API and resolves with the answer's JSON object. It is authenticated with the
 * session's access token, which goes to the base URL of the session and nowhere else.
 */
export async function request(
  connection: Connection,
  method: string,
  endpoint: string,
  { authenticated = true, ...options }: RequestOptions & { attempts?: "once" } = {},
): Promise<JsonObject> {
  if (!authenticated) return call(connection, method, endpoint, options);
  const { accessToken } = requireSession(connection, `${method} ${endpoint}`);
  try {
    return await call(connection, method, endpoint, { ...options, accessToken });
  } catch (error) {
    if (!(error instanceof MatrixError && error.errcode === "M_UNKNOWN_TOKEN")) throw error;
    const renewed = await renewSession(connection, accessToken, error);
    if (!renewed) throw error;
    return call(connection, method, endpoint, { ...options, accessToken: renewed.accessToken });
  }
}
