import type { IncomingMessage, ServerResponse } from "node:http";
import { describeValue } from "./describe-value.js";
import type { Env } from "./env.js";
import { HeldResponse } from "./held-response.js";
import type { HeldAnswer } from "./held-response.js";
import { PathPattern } from "./path-pattern.js";
import { targetOf } from "./request-target.js";
import { refuseFactory, requireInterceptor } from "./require-interceptor.js";

/** The homeserver behind an interceptor, older interceptors included. */
export interface HomeserverBehind {
  /** Its clock and timers. */
  readonly env: Env;
  /** Lets it do what the request asks for, as `pass()` does, but sends nothing: the answer is the interceptor's to use. */
  process(): Promise<HeldAnswer>;
}

/**
 * Answers a request in the homeserver's place, by writing to `response`, or lets the homeserver do it by `await pass()`. Doing
 * neither leaves the client waiting. With `await homeserver.process()` the homeserver does what it is asked, and the interceptor
 * decides what becomes of the answer. It is called when the body has come whole, or is known to be larger than 1 MiB; one
 * interceptor may read it from `request`, and pass all the same. An error thrown here is answered as a 500.
 */
export type Interceptor = (
  request: IncomingMessage,
  response: ServerResponse,
  pass: () => Promise<void>,
  homeserver: HomeserverBehind,
) => void | Promise<void>;

interface Interception {
  readonly matches: (path: string) => boolean;
  readonly interceptor: Interceptor;
}

/** Answers a request by writing to a response, the client's or one that is held. */
type AnswerInto = (response: ServerResponse) => Promise<void>;

/** The interceptors of a homeserver. The newest that matches comes first; where it passes, the next one has its turn. */
export class Interceptors {
  readonly #env: Env;
  readonly #interceptions = new Set<Interception>();

  constructor(env: Env) {
    this.#env = env;
  }

  add(pathPattern: string | RegExp, interceptor: Interceptor): () => void {
    requirePath(pathPattern);
    requireInterceptor(interceptor);
    const pattern = typeof pathPattern === "string" ? new PathPattern(pathPattern) : pathPattern;
    const matches = (path: string): boolean =>
      pattern instanceof RegExp ? path.search(pattern) !== -1 : pattern.match(path) !== undefined;
    const interception = { matches, interceptor };
    this.#interceptions.add(interception);
    return () => {
      this.#interceptions.delete(interception);
    };
  }

  /** Hands a request through all that match, and to `answer` in the end. */
  async run(request: IncomingMessage, response: ServerResponse, answer: AnswerInto): Promise<void> {
    const { path } = targetOf(request);
    const env = this.#env;
    const matching = [...this.#interceptions].filter(({ matches }) => matches(path));
    const chain = matching.reduce<AnswerInto>(
      (next, { interceptor }) =>
        async (into) => {
          const process = (): Promise<HeldAnswer> => hold(into, next);
          refuseFactory(await interceptor(request, into, () => next(into), { env, process }));
        },
      answer,
    );
    await chain(response);
  }
}

function requirePath(path: unknown): void {
  if (path instanceof RegExp || (typeof path === "string" && path.startsWith("/"))) return;
  throw new TypeError(
    `Cannot intercept ${describeValue(path)}: a path is a text that begins with "/", such as "/_matrix/client/v3/login", or a ` +
      "regular expression",
  );
}

async function hold(response: ServerResponse, answer: AnswerInto): Promise<HeldAnswer> {
  const held = new HeldResponse(response);
  await answer(held);
  return held.answer;
}
