import type { OwnCallOptions } from "./call.js";
import type { Connection } from "./connection.js";
import type { Endpoint } from "./endpoint.js";
import { MatrixError } from "./errors.js";
import type { Json, JsonObject } from "./json.js";
import type { Session } from "./session.js";

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

export interface InteractiveOptions extends OwnCallOptions {
  /** Whose request it is: when the session ends, the application is waited for no longer. */
  readonly session?: Session;
}

export type Call<Options> = (
  connection: Connection,
  method: string,
  endpoint: string | Endpoint,
  options: Options,
) => Promise<Json>;

/**
 * Makes calls that homeservers may want the user to prove who they are for: see answer-challenges.ts, which is loaded when one does. Who
 * passes an `auth` of their own has it their own way. Endpoints that are only read never ask.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
 */
export function interactive<Options extends InteractiveOptions>(call: Call<Options>): Call<Options> {
  return async (connection, method, endpoint, options) => {
    try {
      return await call(connection, method, endpoint, options);
    } catch (error) {
      const isOwn = options.body !== undefined && "auth" in options.body;
      if (isOwn || method.toUpperCase() === "GET" || !isChallenge(error)) throw error;
      const { answerChallenges } = await import("./answer-challenges.js");
      return answerChallenges(call, error, connection, method, endpoint, options);
    }
  };
}

/** Tells whether an error is the homeserver's wish to know who the user is. */
export function isChallenge(error: unknown): error is MatrixError {
  return error instanceof MatrixError && error.status === 401 && Array.isArray(error.data["flows"]);
}
