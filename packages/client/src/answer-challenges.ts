import type { Connection } from "./connection.js";
import type { Endpoint } from "./endpoint.js";
import type { MatrixError } from "./errors.js";
import {
  type AuthenticationChallenge,
  type AuthenticationStage,
  type Call,
  type InteractiveOptions,
  isChallenge,
} from "./interactive.js";
import { isJsonObject, type Json } from "./json.js";
import { untilAborted } from "./signals.js";

/** An application that gets nowhere is not asked for more answers than this. */
const maxAnswers = 10;

/**
 * Makes a call again that has met a challenge, until it is through: the application is asked for one stage after the other.
 * 1. It has all the time that it needs: deadlines are those of each call.
 * 2. It is not asked about the dummy stage alone, which proves nothing, when that is what is left to do; but it is when it can choose.
 * 3. When it does not know an answer, or ten were given without getting further, the homeserver's refusal is what the caller sees.
 * 4. Only an answer of the application gets further, and only to a stage that there was at first: so this ends, whatever the homeserver
 *    tells. The dummy stage is taken once in each session.
 */
export async function answerChallenges<Options extends InteractiveOptions>(
  call: Call<Options>,
  first: MatrixError,
  connection: Connection,
  method: string,
  endpoint: string | Endpoint,
  options: Options,
): Promise<Json> {
  let refusal = first;
  let challenge = challengeIn(refusal, method, endpoint, options);
  const left = new Set(challenge.flows.flatMap(({ stages }) => stages));
  const withDummy = new Set<string | undefined>();
  let answers = 0;
  while (answers < maxAnswers) {
    const { session } = challenge;
    const isDummy = isDummyLeft(challenge, connection) && !withDummy.has(session);
    if (isDummy) withDummy.add(session);
    const stage = isDummy ? dummy : await ask(connection, challenge, options);
    if (stage === undefined) break;
    const auth = { ...stage, ...(session !== undefined && { session }) };
    try {
      return await call(connection, method, endpoint, { ...options, body: { ...options.body, auth } });
    } catch (error) {
      if (!isChallenge(error)) throw error;
      refusal = error;
    }
    challenge = challengeIn(refusal, method, endpoint, options);
    const isFurther = challenge.completed.filter((name) => left.delete(name)).length > 0;
    answers = isFurther && !isDummy ? 0 : answers + 1;
  }
  throw refusal;
}

const dummy: AuthenticationStage = { type: "m.login.dummy" };

function challengeIn(
  { data }: MatrixError,
  method: string,
  endpoint: string | Endpoint,
  { session }: InteractiveOptions,
): AuthenticationChallenge {
  const { flows, completed, params, session: id, errcode, error: words } = data;
  return {
    method,
    endpoint: String(endpoint),
    userId: session?.userId,
    flows: Array.isArray(flows) ? flows.filter(isJsonObject).map(({ stages }) => ({ stages: textsIn(stages) })) : [],
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
  const stage = await untilAborted(callbacks.authenticate?.(challenge), closing, session?.ended, signal);
  if (stage === undefined || isJsonObject(stage)) return stage;
  throw new TypeError(
    `Cannot ${challenge.method} ${challenge.endpoint}: callbacks.authenticate has not answered with an object; ` +
      'answer with a stage like { type: "m.login.password", identifier, password }, or with undefined to give up',
  );
}

function textsIn(list: Json | undefined): string[] {
  return Array.isArray(list) ? list.filter((value) => typeof value === "string") : [];
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
