import type { Identifiers } from "./identifiers.js";
import { MatrixError } from "./matrix-error.js";

export interface Account {
  readonly userId: string;
  readonly password: string;
  displayname: string | undefined;
}

/** What an access token stands for. */
export interface Session {
  readonly userId: string;
  readonly deviceId: string;
  readonly accessToken: string;
}

interface LoginToken {
  readonly userId: string;
  readonly expiresAt: number;
}

/** The users, and who is logged in. */
export class Accounts {
  readonly #identifiers: Identifiers;
  readonly #accounts = new Map<string, Account>();
  readonly #sessions = new Map<string, Session>();
  readonly #softLoggedOut = new Set<string>();
  readonly #loginTokens = new Map<string, LoginToken>();

  constructor(identifiers: Identifiers) {
    this.#identifiers = identifiers;
  }

  get(userId: string): Account | undefined {
    return this.#accounts.get(userId);
  }

  create(localpart: string, password: string): Account {
    const userId = this.#identifiers.userId(localpart);
    const account: Account = { userId, password, displayname: localpart };
    this.#accounts.set(userId, account);
    return account;
  }

  /** Logs a user in on a device, a new one by default. */
  logIn({ userId }: Account, deviceId: string = this.#identifiers.deviceId()): Session {
    const session = { userId, deviceId, accessToken: this.#identifiers.secret("syt_") };
    this.#sessions.set(session.accessToken, session);
    return session;
  }

  /** The session of an access token, or an error that says why there is none. */
  authenticate(accessToken: string | undefined): Session {
    if (accessToken === undefined) throw new MatrixError(401, "M_MISSING_TOKEN", "Missing access token");
    const session = this.#sessions.get(accessToken);
    if (session !== undefined) return session;
    const soft = this.#softLoggedOut.has(accessToken);
    const message = soft ? "Access token has expired" : "Invalid access token passed.";
    throw new MatrixError(401, "M_UNKNOWN_TOKEN", message, { soft_logout: soft });
  }

  /** Ends all sessions of the device that a session is on. */
  logOut({ userId, deviceId }: Session): void {
    this.#endWhere((session) => session.userId === userId && session.deviceId === deviceId);
  }

  logOutEverywhere(userId: string): void {
    this.#endWhere((session) => session.userId === userId);
  }

  /** Ends all access tokens of a user as their expiry would. */
  softLogOut(userId: string): void {
    const ended = this.#endWhere((session) => session.userId === userId);
    for (const session of ended) this.#softLoggedOut.add(session.accessToken);
  }

  /** A token that logs this user in, once, before `expiresAt`. */
  createLoginToken(userId: string, expiresAt: number): string {
    const token = this.#identifiers.secret("syl_");
    this.#loginTokens.set(token, { userId, expiresAt });
    return token;
  }

  /** The user of a login token that is still good at `now`, which is spent by this. */
  redeemLoginToken(token: string, now: number): Account | undefined {
    const found = this.#loginTokens.get(token);
    this.#loginTokens.delete(token);
    return found === undefined || found.expiresAt <= now ? undefined : this.get(found.userId);
  }

  #endWhere(matches: (session: Session) => boolean): Session[] {
    const ended = [...this.#sessions.values()].filter(matches);
    for (const session of ended) this.#sessions.delete(session.accessToken);
    return ended;
  }
}
