import type { CallOptions } from "./call.js";
import type { Connection } from "./connection.js";
import type { Endpoint } from "./endpoint.js";
import { MatrixError } from "./errors.js";
import { isJsonObject, type Json, type JsonObject } from "./json.js";
import type { Session } from "./session.js";
import { joinSignals, untilAborted } from "./signals.js";

/** What the homeserver wants the user to prove before it does what it was asked for. */
export interface AuthenticationChallenge {
  /** The request that waits, such as `DELETE`. */
  readonly method: string;
  /** Its endpoint, such as `v3/devices/PHONE`. */
  readonly endpoint: string;
  /** Who asks for it; `undefined` at a registration. */
  readonly userId: string | undefined;
  /** The ways to go: all stages of one of them, in order. */
  readonly flows: readonly AuthenticationFlow[];
  /** The stages that are done. */
  readonly completed: readonly string[];
  /** What each stage has to say, by its type: the key of a captcha, the terms of service. */
  readonly params: JsonObject;
  /** Goes into the URL of a stage that the user takes in a browser. */
  readonly session: string | undefined;
  /** Why the last answer was not accepted, if it was not. */
  readonly errcode: string | undefined;
  readonly error: string | undefined;
}

export interface AuthenticationFlow {
  /** Such as `m.login.password`. */
  readonly stages: readonly string[];
}

/** One stage, in the specification's spelling; one that the user has taken in a browser is `{}`. */
export interface AuthenticationStage {
  /** Such as `m.login.password`. */
  readonly type?: string;
  readonly [name: string]: unknown;
}

interface InteractiveOptions extends CallOptions {
  /** Whose request it is: when the session ends, the application is waited for no longer. */
  readonly session?: Session;
}

type Call<Options> = (
  connection: Connection,
  method: string,
  endpoint: string | Endpoint,
  options: Options,
) => Promise<Json>;

/** An application that gets nowhere is not asked for more answers than this. */
const maxAnswers = 10;

/**
 * Makes calls that homeservers may want the user to prove who they are for: then the application is asked for one stage after the other.
 * 1. It has all the time that it needs: deadlines are those of each call.
 * 2. It is not asked about the dummy stage alone, which proves nothing, when that is what is left to do; but it is when it can choose.
 * 3. When it does not know an answer, or has given ten without getting further, the homeserver's refusal is what the caller sees.
 * 4. Who passes an `auth` of their own has it their own way. Endpoints that are only read never ask.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
 */
export function interactive<Options extends InteractiveOptions>(call: Call<Options>): Call<Options> {
  return async (connection, method, endpoint, options) => {
    let body = options.body;
    let mostCompleted = 0;
    let answers = 0;
    for (;;) {
      try {
        return await call(connection, method, endpoint, body === options.body ? options : { ...options, body });
      } catch (error) {
        const isOwn = options.body !== undefined && "auth" in options.body;
        const challenge = isOwn ? undefined : challengeIn(error, method, endpoint, options.session);
        if (!challenge) throw error;
        if (challenge.completed.length > mostCompleted) {
          mostCompleted = challenge.completed.length;
          answers = 0;
        }
        if (answers === maxAnswers) throw error;
        answers++;
        const stage = isDummyLeft(challenge, connection) ? dummy : await ask(connection, challenge, options);
        if (stage === undefined) throw error;
        const { session } = challenge;
        body = { ...options.body, auth: { ...stage, ...(session !== undefined && { session }) } };
      }
    }
  };
}

const dummy: AuthenticationStage = { type: "m.login.dummy" };

function challengeIn(
  error: unknown,
  method: string,
  endpoint: string | Endpoint,
  session: Session | undefined,
): AuthenticationChallenge | undefined {
  if (!(error instanceof MatrixError) || error.status !== 401 || method.toUpperCase() === "GET") return undefined;
  const { flows, completed, params, session: id, errcode, error: words } = error.data;
  if (!Array.isArray(flows)) return undefined;
  return {
    method,
    endpoint: String(endpoint),
    userId: session?.userId,
    flows: flows.filter(isJsonObject).map(({ stages }) => ({ stages: textsIn(stages) })),
    completed: textsIn(completed),
    params: isJsonObject(params) ? params : {},
    session: textOf(id),
    errcode: textOf(errcode),
    error: textOf(words),
  };
}

/** Whether the dummy stage is all that is left: of the only flow, or of one of several that nobody chooses from. */
function isDummyLeft({ flows, completed, errcode }: AuthenticationChallenge, { callbacks }: Connection): boolean {
  if (errcode !== undefined || (callbacks.authenticate && flows.length > 1)) return false;
  return flows.some(({ stages }) => {
    const left = stages.filter((stage) => !completed.includes(stage));
    return left.length === 1 && left[0] === dummy.type;
  });
}

async function ask(
  { callbacks, closing }: Connection,
  challenge: AuthenticationChallenge,
  { session, signal }: InteractiveOptions,
): Promise<AuthenticationStage | undefined> {
  const stop = joinSignals(closing, session?.ended, signal);
  try {
    const stage = await untilAborted(callbacks.authenticate?.(challenge), stop.signal);
    if (stage === undefined || isJsonObject(stage)) return stage;
    throw new TypeError(
      `Cannot ${challenge.method} ${challenge.endpoint}: callbacks.authenticate has not answered with an object; ` +
        'answer with a stage like { type: "m.login.password", identifier, password }, or with undefined to give up',
    );
  } finally {
    stop.end();
  }
}

function textsIn(list: Json | undefined): string[] {
  return Array.isArray(list) ? list.filter((value) => typeof value === "string") : [];
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
