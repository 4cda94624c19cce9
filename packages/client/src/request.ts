import { call, type CallOptions, defaultTimeoutMs, type OwnCallOptions } from "./call.js";
import { checkRequest } from "./check-request.js";
import type { Connection } from "./connection.js";
import { withDeadline } from "./deadline.js";
import type { Endpoint } from "./endpoint.js";
import { interactive } from "./interactive.js";
import type { Json } from "./json.js";
import { renew, renewEarly } from "./renew.js";
import type { Session } from "./session.js";
import { requireSession } from "./session-life.js";
import { untilAborted } from "./signals.js";
import { withAccessToken } from "./with-access-token.js";

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

/**
 * Makes a request to an endpoint of the client-server API and resolves with the answer's JSON. It is authenticated with the access
 * token of a session, which goes to the base URL of that session and nowhere else; when the session ends, so does the request.
 */
export async function request(
  connection: Connection,
  method: string,
  endpoint: string | Endpoint,
  { authenticated = true, session: given, ...options }: OwnOptions = {},
): Promise<Json> {
  const attempt = `${method} ${String(endpoint)}`;
  checkRequest(attempt, method, options);
  if (!authenticated) return callInteractively(connection, method, endpoint, options);
  const session = given ?? requireSession(connection, attempt);
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
  const { env, closing } = connection;
  const { signal, timeoutMs = defaultTimeoutMs } = options;
  const attempt = `${method} ${String(endpoint)}`;
  // Others may wait for longer, and so may the application.
  const within = <Result>(renewal: Promise<Result>): Promise<Result> =>
    withDeadline({ env, attempt, timeoutMs, signals: [closing, signal] }, (limit) => untilAborted(renewal, limit));
  if (session.isDue(env.now())) await within(renewEarly(connection, session));
  return withAccessToken(
    session,
    (accessToken) => call(connection, method, endpoint, { ...options, accessToken, ended: session.ended }),
    (accessToken, refusal) => within(renew(connection, session, accessToken, refusal)),
  );
}
