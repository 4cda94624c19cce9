import type { IncomingMessage, ServerResponse } from "node:http";
import { PathPattern } from "./path-pattern.js";
import { targetOf } from "./request-target.js";

/**
 * Answers a request in the homeserver's place, by writing to `response`, or lets the homeserver do it by `await pass()`. Doing
 * neither leaves the client waiting. It is called when the body has come whole, or is known to be larger than 1 MiB; one interceptor
 * may read it from `request`, and pass all the same. An error thrown here is answered as a 500.
 */
export type Interceptor = (
  request: IncomingMessage,
  response: ServerResponse,
  pass: () => Promise<void>,
) => void | Promise<void>;

interface Interception {
  readonly matches: (path: string) => boolean;
  readonly interceptor: Interceptor;
}

/** The interceptors of a homeserver. The newest that matches comes first; where it passes, the next one has its turn. */
export class Interceptors {
  readonly #interceptions = new Set<Interception>();

  add(pathPattern: string | RegExp, interceptor: Interceptor): () => void {
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
  async run(request: IncomingMessage, response: ServerResponse, answer: () => Promise<void>): Promise<void> {
    const { path } = targetOf(request);
    const matching = [...this.#interceptions].filter(({ matches }) => matches(path));
    const chain = matching.reduce(
      (pass, { interceptor }) =>
        async () =>
          interceptor(request, response, pass),
      answer,
    );
    await chain();
  }
}
