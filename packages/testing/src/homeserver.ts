import { Accounts } from "./accounts.js";
import { answerToFailure } from "./answer.js";
import type { Answer } from "./answer.js";
import { authenticationStages } from "./authentication-stages.js";
import { Call } from "./call.js";
import type { Request } from "./call.js";
import { Devices } from "./devices.js";
import { accountEndpoints } from "./endpoints/account.js";
import { createRoomEndpoints } from "./endpoints/create-room.js";
import { deviceEndpoints } from "./endpoints/devices.js";
import { discoveryEndpoints } from "./endpoints/discovery.js";
import { eventEndpoints } from "./endpoints/events.js";
import { loginEndpoints } from "./endpoints/login.js";
import { membershipEndpoints } from "./endpoints/membership.js";
import { profileEndpoints } from "./endpoints/profile.js";
import { readEndpoints } from "./endpoints/read.js";
import { refreshEndpoints } from "./endpoints/refresh.js";
import { registerEndpoints } from "./endpoints/register.js";
import { singleSignOnEndpoints } from "./endpoints/single-sign-on.js";
import { syncEndpoints } from "./endpoints/sync.js";
import { systemEnv } from "./env.js";
import type { Env } from "./env.js";
import { Identifiers } from "./identifiers.js";
import { InteractiveAuthentication } from "./interactive-authentication.js";
import { Memberships } from "./memberships.js";
import { Page } from "./page.js";
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
  /**
   * The flows of registration, each a list of stages: `[["m.login.dummy"]]` by default. It knows the stages "m.login.dummy",
   * "m.login.password" and "m.login.registration_token"; nobody passes another one.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-api-in-the-rest-api
   */
  readonly registrationFlows?: readonly (readonly string[])[];
  /**
   * The tokens that pass the stage "m.login.registration_token", any number of times. Where there are some, this stage comes first
   * by default.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#token-authenticated-registration
   */
  readonly registrationTokens?: readonly string[];
  /**
   * Offers login by single sign-on, at one provider: `signOnAs` says who is signed on there. Off by default.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#sso-client-loginauthentication
   */
  readonly singleSignOn?: boolean;
  /** The versions of the specification that it claims to support; "v1.1" to "v1.12" by default. */
  readonly versions?: readonly string[];
  /** The unstable features that it claims to have, or not to have; none by default. */
  readonly unstableFeatures?: Readonly<Record<string, boolean>>;
  /** Capabilities beside its own, or in their place, such as `{ "m.change_password": { enabled: false } }`. */
  readonly capabilities?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A homeserver without its sockets: everything that it knows, and the endpoints that change and tell it. */
export class Homeserver {
  readonly options: HomeserverOptions;
  readonly serverName: string;
  readonly env: Env;
  readonly identifiers: Identifiers;
  readonly stream: Stream = new Stream();
  readonly accounts: Accounts;
  readonly devices: Devices = new Devices();
  readonly sessions: Sessions;
  readonly registrationTokens: ReadonlySet<string>;
  readonly authentication: InteractiveAuthentication;
  readonly rooms: Rooms;
  readonly memberships: Memberships;
  readonly transactions: Transactions = new Transactions();
  /** Where clients reach it; the empty string until it listens. */
  baseUrl = "";
  /** Who is signed on at the provider of single sign-on. */
  signedOn: string | undefined;
  readonly #router: Router;

  constructor(options: HomeserverOptions) {
    const { serverName = "fake.test", env = systemEnv, accessTokenLifetimeMs = 300_000 } = options;
    this.options = options;
    this.serverName = serverName;
    this.env = env;
    this.identifiers = new Identifiers(env, serverName);
    this.accounts = new Accounts(this.identifiers);
    this.sessions = new Sessions(this, accessTokenLifetimeMs);
    this.registrationTokens = new Set(options.registrationTokens);
    this.authentication = new InteractiveAuthentication(this.identifiers, authenticationStages(this));
    this.rooms = new Rooms(env, this.identifiers, this.stream, this.accounts);
    this.memberships = new Memberships(this.rooms, this.accounts);
    this.#router = new Router([
      ...discoveryEndpoints(this),
      ...loginEndpoints(this),
      ...refreshEndpoints(this),
      ...registerEndpoints(this),
      ...singleSignOnEndpoints(this),
      ...deviceEndpoints(this),
      ...accountEndpoints(this),
      ...profileEndpoints(this),
      ...createRoomEndpoints(this),
      ...membershipEndpoints(this),
      ...eventEndpoints(this),
      ...readEndpoints(this),
      ...syncEndpoints(this),
    ]);
  }

  /** Does what a request asks for. Resolves with an answer whatever happens, an error of ours included. */
  async answer(request: Request): Promise<Answer | Page> {
    try {
      const { endpoint, parameters } = this.#router.find(request.method, request.path);
      const body = await endpoint.answer(new Call(request, parameters, this.sessions, this.env));
      return body instanceof Page ? body : { status: 200, body };
    } catch (error) {
      return answerToFailure(error);
    }
  }
}
