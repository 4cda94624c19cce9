import type { AnswerBody } from "./answer.js";
import type { Call } from "./call.js";
import { MatrixError } from "./matrix-error.js";
import type { Page } from "./page.js";
import { PathPattern } from "./path-pattern.js";

/** What the homeserver does for one method and path. */
export interface Endpoint {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** The path as the specification writes it, with parameters in braces. */
  readonly path: string;
  /** Answers the body of a 200, or a page. Throws a `Refusal` to refuse. */
  readonly answer: (call: Call) => AnswerBody | Page | Promise<AnswerBody>;
}

/** The endpoint that a request is for, and what the path says. */
export interface Route {
  readonly endpoint: Endpoint;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Finds the endpoint of a request. */
export class Router {
  readonly #routes: readonly { readonly endpoint: Endpoint; readonly pattern: PathPattern }[];

  constructor(endpoints: readonly Endpoint[]) {
    this.#routes = endpoints.map((endpoint) => ({ endpoint, pattern: new PathPattern(endpoint.path) }));
  }

  find(method: string, path: string): Route {
    let isPathKnown = false;
    for (const { endpoint, pattern } of this.#routes) {
      const parameters = pattern.match(path);
      if (parameters === undefined) continue;
      if (endpoint.method === method) return { endpoint, parameters };
      isPathKnown = true;
    }
    throw new MatrixError(isPathKnown ? 405 : 404, "M_UNRECOGNIZED", "Unrecognized request");
  }
}
