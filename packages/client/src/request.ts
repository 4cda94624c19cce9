import { call, type CallOptions, type OwnCallOptions } from "./call.js";
import type { Connection } from "./connection.js";
import type { Endpoint } from "./endpoint.js";
import { MatrixError } from "./errors.js";
import { interactive } from "./interactive.js";
import type { Json } from "./json.js";
import { renew, renewEarly } from "./renew.js";
import type { Session } from "./session.js";
import { requireSession } from "./session-life.js";
import { untilAborted } from "./signals.js";

export interface RequestOptions extends CallOptions {
  /** `false` sends no access token, and needs no session; `true` by default. */
  readonly authenticated?: boolean;
}

interface OwnOptions extends RequestOptions, OwnCallOptions {
  /** The session to make it in; by default the current one. */
  readonly session?: Session;
}

interface InSession extends OwnCallOptions {
  readonly session: Session;
}

/** A homeserver that refuses every token that it gives is not asked for more of them than this. */
const maxTokens = 3;

/**
 * Makes a request to an endpoint of the client-server API and resolves with the answer's JSON. It is authenticated with the access
 * token of a session, which goes to the base URL of that session and nowhere else; when the session ends, so does the request. A request
 * whose access token is refused was not processed, whatever it is, so it is made again with another one when there is one.
 */
export async function request(
  connection: Connection,
  method: string,
  endpoint: string | Endpoint,
  { authenticated = true, session: given, ...options }: OwnOptions = {},
): Promise<Json> {
  if (!authenticated) return callInteractively(connection, method, endpoint, options);
  const session = given ?? requireSession(connection, `${method} ${String(endpoint)}`);
  return callInSession(connection, method, endpoint, { ...options, session });
}

const callInteractively = interactive(call);

/** Interactive authentication goes on with other tokens when those have ended while the application was asked. */
const callInSession = interactive(callWithTokens);

async function callWithTokens(
  connection: Connection,
  method: string,
  endpoint: string | Endpoint,
  { session, ...options }: InSession,
): Promise<Json> {
  const { signal = connection.closing } = options;
  if (session.isDue(connection.env.now())) await untilAborted(renewEarly(connection, session), signal);
  for (let token = 1; ; token++) {
    const { accessToken, ended } = session;
    try {
      const answer = await call(connection, method, endpoint, { ...options, accessToken, ended });
      session.prove(accessToken);
      return answer;
    } catch (error) {
      const isRefused = error instanceof MatrixError && error.errcode === "M_UNKNOWN_TOKEN";
      if (!isRefused || token === maxTokens) throw error;
      if (!(await untilAborted(renew(connection, session, accessToken, error), signal))) throw error;
    }
  }
}
