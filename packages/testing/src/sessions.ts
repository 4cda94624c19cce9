import type { Accounts } from "./accounts.js";
import type { Devices } from "./devices.js";
import type { Env } from "./env.js";
import type { Identifiers } from "./identifiers.js";
import { MatrixError, forbidden } from "./matrix-error.js";

/** What an access token stands for. */
export interface Session {
  readonly userId: string;
  readonly deviceId: string;
  readonly accessToken: string;
}

/** How a login wants its session. */
export interface SessionStart {
  /** A new device by default. */
  readonly deviceId: string | undefined;
  /** The name of the device, where it is a new one. */
  readonly displayName: string | undefined;
  readonly isRefreshable: boolean;
}

/** The tokens of one login, or of one refresh. */
export interface Tokens extends Session {
  /** When the access token ends, in milliseconds since 1970; `Infinity` for never. */
  expiresAt: number;
  /** What new tokens are had for, if the login has asked for it. */
  readonly refreshToken: string | undefined;
}

// Synapse knows a chain of tokens, each refreshed from the one before, and keeps two links of it: the last, and the one before it,
// in case the answer with the last has been lost.
interface Link extends Tokens {
  isAccessTokenUsed: boolean;
  isTooOldToRefresh: boolean;
  previous: Link | undefined;
  next: Link | undefined;
}

/** What sessions need of the homeserver. */
export interface SessionSurroundings {
  readonly accounts: Accounts;
  readonly devices: Devices;
  readonly identifiers: Identifiers;
  readonly env: Env;
}

/** Who is logged in, and by which tokens. */
export class Sessions {
  readonly #accounts: Accounts;
  readonly #devices: Devices;
  readonly #identifiers: Identifiers;
  readonly #env: Env;
  readonly #accessTokenLifetimeMs: number;
  readonly #byAccessToken = new Map<string, Link>();
  readonly #byRefreshToken = new Map<string, Link>();

  constructor({ accounts, devices, identifiers, env }: SessionSurroundings, accessTokenLifetimeMs: number) {
    this.#accounts = accounts;
    this.#devices = devices;
    this.#identifiers = identifiers;
    this.#env = env;
    this.#accessTokenLifetimeMs = accessTokenLifetimeMs;
  }

  /** Starts a session on a device, a new one or one that is there. The access token of one that can be refreshed expires. */
  start(userId: string, { deviceId = this.#identifiers.deviceId(), displayName, isRefreshable }: SessionStart): Tokens {
    this.#devices.add(userId, deviceId, displayName);
    return this.#add(userId, deviceId, isRefreshable);
  }

  /** The session of an access token, or an error that says why there is none. */
  authenticate(accessToken: string | undefined): Session {
    const link = this.#find(accessToken);
    if (link.expiresAt <= this.#env.now()) throw unknownToken("Access token has expired", true);
    link.isAccessTokenUsed = true;
    this.#accounts.checkLock(link.userId);
    return link;
  }

  /** The session of an access token, even where it has expired or the account is locked: enough to log out. */
  authenticateToLogOut(accessToken: string | undefined): Session {
    return this.#find(accessToken);
  }

  /**
   * New tokens for a refresh token. It can be had again, should the answer have been lost, until one of the new tokens has been
   * used: the tokens had before are worth nothing then.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens
   */
  refresh(refreshToken: string): Tokens {
    const link = this.#byRefreshToken.get(refreshToken);
    if (link === undefined) throw new MatrixError(401, "M_UNKNOWN_TOKEN", "refresh token does not exist");
    const { next, previous } = link;
    if (next?.isAccessTokenUsed === true) throw forbidden("refresh token isn't valid anymore");
    if (link.isTooOldToRefresh) throw forbidden("The session has expired and can no longer be refreshed");
    for (const outdated of [next, previous]) if (outdated !== undefined) this.#remove(outdated);
    link.previous = undefined;
    link.next = this.#add(link.userId, link.deviceId, true);
    link.next.previous = link;
    return link.next;
  }

  /** Lets all access tokens of a user expire now. */
  expireAccessTokens(userId: string): void {
    for (const link of this.#of(userId)) link.expiresAt = -Infinity;
  }

  /** Lets no refresh token of a user be good for anything, as when the session has lived for as long as it may. */
  endRefreshing(userId: string): void {
    for (const link of this.#of(userId)) link.isTooOldToRefresh = true;
  }

  /** Ends the sessions of a user with the devices that they are on: those that match, or all. */
  end(userId: string, matches: (deviceId: string) => boolean = () => true): void {
    for (const link of this.#of(userId)) if (matches(link.deviceId)) this.#remove(link);
    for (const { deviceId } of this.#devices.of(userId)) {
      if (matches(deviceId)) this.#devices.remove(userId, deviceId);
    }
  }

  #find(accessToken: string | undefined): Link {
    if (accessToken === undefined) throw new MatrixError(401, "M_MISSING_TOKEN", "Missing access token");
    const link = this.#byAccessToken.get(accessToken);
    if (link === undefined) throw unknownToken("Invalid access token passed.", false);
    return link;
  }

  #of(userId: string): Link[] {
    return [...this.#byAccessToken.values()].filter((link) => link.userId === userId);
  }

  #add(userId: string, deviceId: string, isRefreshable: boolean): Link {
    const link: Link = {
      userId,
      deviceId,
      accessToken: this.#identifiers.secret("syt_"),
      refreshToken: isRefreshable ? this.#identifiers.secret("syr_") : undefined,
      expiresAt: isRefreshable ? this.#env.now() + this.#accessTokenLifetimeMs : Infinity,
      isAccessTokenUsed: false,
      isTooOldToRefresh: false,
      previous: undefined,
      next: undefined,
    };
    this.#byAccessToken.set(link.accessToken, link);
    if (link.refreshToken !== undefined) this.#byRefreshToken.set(link.refreshToken, link);
    return link;
  }

  #remove({ accessToken, refreshToken }: Link): void {
    this.#byAccessToken.delete(accessToken);
    if (refreshToken !== undefined) this.#byRefreshToken.delete(refreshToken);
  }
}

function unknownToken(message: string, isSoft: boolean): MatrixError {
  return new MatrixError(401, "M_UNKNOWN_TOKEN", message, { soft_logout: isSoft });
}
