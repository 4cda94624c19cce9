import type { IncomingHttpHeaders } from "node:http";
import type { Reader } from "./client-event.js";
import type { Env } from "./env.js";
import { isObject, parseJson } from "./json.js";
import type { JsonObject } from "./json.js";
import { MatrixError, badJson, invalidParam } from "./matrix-error.js";
import type { Session, Sessions } from "./sessions.js";

/** A request as it came over the wire. */
export interface Request {
  readonly method: string;
  /** The path, still percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** A request to an endpoint: what it says, read as the endpoint needs it. What is missing or malformed is refused. */
export class Call {
  readonly query: URLSearchParams;
  readonly signal: AbortSignal;
  readonly #request: Request;
  readonly #parameters: ReadonlyMap<string, string>;
  readonly #sessions: Sessions;
  readonly #env: Env;

  constructor(request: Request, parameters: ReadonlyMap<string, string>, sessions: Sessions, env: Env) {
    this.query = request.query;
    this.signal = request.signal;
    this.#request = request;
    this.#parameters = parameters;
    this.#sessions = sessions;
    this.#env = env;
  }

  /** The part of the path that the endpoint's pattern calls `name`. */
  parameter(name: string): string {
    const value = this.#parameters.get(name);
    if (value === undefined) throw new TypeError(`Cannot read the path parameter "${name}": the pattern has none`);
    return value;
  }

  /** What is asked for, but for the body. */
  get operation(): string {
    const { method, path, query } = this.#request;
    return `${method} ${path}?${query.toString()}`;
  }

  /** Who is calling. */
  session(): Session {
    return this.#sessions.authenticate(this.#accessToken());
  }

  /** Who is calling to log out, which an expired token and a locked account are good enough for. */
  sessionToEnd(): Session {
    return this.#sessions.authenticateToLogOut(this.#accessToken());
  }

  /** Who is calling, as the one to be told about events. */
  reader(): Reader {
    return { session: this.session(), now: this.#env.now() };
  }

  /** The body, which has to be a JSON object. */
  body(): JsonObject {
    const body = parseJson(this.#request.body);
    if (body === undefined) throw new MatrixError(400, "M_NOT_JSON", "Content not JSON.");
    if (!isObject(body)) throw badJson("Content must be a JSON object.");
    return body;
  }

  /** The body, where none at all is as good as an empty object. */
  optionalBody(): JsonObject {
    return this.#request.body.length === 0 ? {} : this.body();
  }

  /** An integer in the query that is zero or more. */
  integer(name: string): number | undefined {
    const text = this.query.get(name);
    if (text === null) return undefined;
    if (!/^-?\d+$/.test(text)) throw invalidParam(`Query parameter ${name} must be an integer`);
    if (text.startsWith("-")) throw invalidParam(`Query parameter ${name} must be a positive integer.`);
    return Number(text);
  }

  /** A word in the query that has to be one of `words`. */
  word<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.query.get(name);
    if (text === null) return undefined;
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw invalidParam(`Query parameter '${name}' must be one of ${words.join(", ")}`);
    return word;
  }

  #accessToken(): string | undefined {
    const { authorization } = this.#request.headers;
    if (authorization === undefined) return this.query.get("access_token") ?? undefined;
    const [scheme, token, ...rest] = authorization.split(" ");
    if (scheme !== "Bearer" || token === undefined || rest.length > 0) {
      throw new MatrixError(401, "M_MISSING_TOKEN", "Invalid Authorization header.");
    }
    return token;
  }
}

/** A string in a body, which has to be there. */
export function requiredString(body: JsonObject, field: string): string {
  const value = body[field];
  if (value === undefined) throw new MatrixError(400, "M_MISSING_PARAM", `Missing params: ['${field}']`);
  if (typeof value !== "string") throw invalidParam(`'${field}' must be a string`);
  return value;
}

/** A string in a body, or nothing. */
export function optionalString(body: JsonObject, field: string): string | undefined {
  return body[field] === undefined ? undefined : requiredString(body, field);
}
