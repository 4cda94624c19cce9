import type { Call } from "./call.js";
import type { Identifiers } from "./identifiers.js";
import { isObject } from "./json.js";
import type { JsonObject } from "./json.js";
import { MatrixError, badJson, invalidParam } from "./matrix-error.js";
import { Refusal } from "./refusal.js";

/** What comes of a try to pass a stage: what it has proved, such as a user ID, or why it has failed. */
export type StageOutcome = { readonly proof: string } | { readonly failure: MatrixError };

/** Checks what a client sends for one stage. Throws a `Refusal` where it makes no sense. */
export type Stage = (auth: JsonObject) => StageOutcome;

/** A request that somebody authenticates for, over several tries. */
export interface Authentication {
  readonly id: string;
  readonly operation: string;
  /** What the request asks for, as far as it has been told: later tries need not tell it again. */
  parameters: JsonObject;
  /** What each stage has proved that has been passed. */
  readonly proofs: Map<string, string>;
}

/**
 * Makes users prove something before an endpoint does what they ask for:
 *
 * 1. A request without `auth` starts a session. Its ID and the flows are the answer, a 401.
 * 2. Each further request passes one stage. The session remembers which; their order does not matter.
 * 3. A stage that fails is a 401 as well, which tells the error beside the flows. It can be tried again.
 * 4. The request that completes a flow does what was asked for. The session stays complete, for who has missed the answer.
 * 5. A session is good for one method and URL. A stage sent without a session starts one.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
 */
export class InteractiveAuthentication {
  readonly #identifiers: Identifiers;
  readonly #stages: ReadonlyMap<string, Stage>;
  readonly #sessions = new Map<string, Authentication>();

  constructor(identifiers: Identifiers, stages: ReadonlyMap<string, Stage>) {
    this.#identifiers = identifiers;
    this.#stages = stages;
  }

  /** The session of a request, once it has completed one of `flows`. Throws the answer that asks for more. */
  complete(call: Call, body: JsonObject, flows: readonly (readonly string[])[]): Authentication {
    const { auth, ...parameters } = body;
    const authData: JsonObject = isObject(auth) ? auth : {};
    const [id, type] = [textIn(authData, "session"), textIn(authData, "type")];
    const session = id === undefined ? this.#start(call) : this.#resume(call, id);
    session.parameters = { ...session.parameters, ...parameters };
    const asks = {
      session: session.id,
      flows: flows.map((stages) => ({ stages })),
      params: {},
    };
    if (Object.keys(authData).length === 0) throw new Refusal(401, asks, "Authenticate first");
    const outcome = type === undefined ? undefined : this.#pass(type, authData);
    if (type !== undefined && outcome !== undefined && "proof" in outcome) session.proofs.set(type, outcome.proof);
    if (flows.some((flow) => flow.every((stage) => session.proofs.has(stage)))) return session;
    const failure = outcome !== undefined && "failure" in outcome ? outcome.failure.body : {};
    throw new Refusal(401, { ...asks, completed: [...session.proofs.keys()], ...failure }, "Authenticate further");
  }

  #start(call: Call): Authentication {
    const id = this.#identifiers.secret("");
    const session = { id, operation: call.operation, parameters: {}, proofs: new Map<string, string>() };
    this.#sessions.set(id, session);
    return session;
  }

  #resume(call: Call, id: string): Authentication {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new MatrixError(400, "M_UNKNOWN", `Unknown session ID: ${id}`);
    if (session.operation === call.operation) return session;
    throw new MatrixError(403, "M_UNKNOWN", "This authentication session is for another request");
  }

  #pass(type: string, auth: JsonObject): StageOutcome {
    const stage = this.#stages.get(type);
    if (stage === undefined) throw invalidParam("Unknown authentication stage");
    return stage(auth);
  }
}

function textIn(auth: JsonObject, field: string): string | undefined {
  const value = auth[field];
  if (value === undefined || typeof value === "string") return value;
  throw badJson(`'auth.${field}' must be a string`);
}
