import { Accounts } from "./accounts.js";
import { answerToFailure } from "./answer.js";
import type { Answer } from "./answer.js";
import { Call } from "./call.js";
import type { Request } from "./call.js";
import { createRoomEndpoints } from "./endpoints/create-room.js";
import { discoveryEndpoints } from "./endpoints/discovery.js";
import { eventEndpoints } from "./endpoints/events.js";
import { loginEndpoints } from "./endpoints/login.js";
import { membershipEndpoints } from "./endpoints/membership.js";
import { profileEndpoints } from "./endpoints/profile.js";
import { readEndpoints } from "./endpoints/read.js";
import { refreshEndpoints } from "./endpoints/refresh.js";
import { registerEndpoints } from "./endpoints/register.js";
import { syncEndpoints } from "./endpoints/sync.js";
import { systemEnv } from "./env.js";
import type { Env } from "./env.js";
import { Identifiers } from "./identifiers.js";
import { Memberships } from "./memberships.js";
import { Rooms } from "./rooms.js";
import { Router } from "./router.js";
import { Sessions } from "./sessions.js";
import { Stream } from "./stream.js";
import { Transactions } from "./transactions.js";

/** How a homeserver is set up. */
export interface HomeserverOptions {
  /** The part after the colon in its IDs; "fake.test" by default. */
  readonly serverName?: string;
  /** Its clock, timers and randomness; those of the machine by default. */
  readonly env?: Env;
  /**
   * How long the access tokens of logins live that ask for a refresh token, in milliseconds; five minutes by default. Those of
   * other logins do not expire.
   */
  readonly accessTokenLifetimeMs?: number;
}

/** A homeserver without its sockets: everything that it knows, and the endpoints that change and tell it. */
export class Homeserver {
  readonly serverName: string;
  readonly env: Env;
  readonly identifiers: Identifiers;
  readonly stream: Stream = new Stream();
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly rooms: Rooms;
  readonly memberships: Memberships;
  readonly transactions: Transactions = new Transactions();
  /** Where clients reach it; the empty string until it listens. */
  baseUrl = "";
  readonly #router: Router;

  constructor({ serverName = "fake.test", env = systemEnv, accessTokenLifetimeMs = 300_000 }: HomeserverOptions) {
    this.serverName = serverName;
    this.env = env;
    this.identifiers = new Identifiers(env, serverName);
    this.accounts = new Accounts(this.identifiers);
    this.sessions = new Sessions(env, this.identifiers, this.accounts, accessTokenLifetimeMs);
    this.rooms = new Rooms(env, this.identifiers, this.stream, this.accounts);
    this.memberships = new Memberships(this.rooms, this.accounts);
    this.#router = new Router([
      ...discoveryEndpoints(this),
      ...loginEndpoints(this),
      ...refreshEndpoints(this),
      ...registerEndpoints(this),
      ...profileEndpoints(this),
      ...createRoomEndpoints(this),
      ...membershipEndpoints(this),
      ...eventEndpoints(this),
      ...readEndpoints(this),
      ...syncEndpoints(this),
    ]);
  }

  /** Does what a request asks for. Resolves with an answer whatever happens, an error of ours included. */
  async answer(request: Request): Promise<Answer> {
    try {
      const { endpoint, parameters } = this.#router.find(request.method, request.path);
      return { status: 200, body: await endpoint.answer(new Call(request, parameters, this.sessions, this.env)) };
    } catch (error) {
      return answerToFailure(error);
    }
  }
}
