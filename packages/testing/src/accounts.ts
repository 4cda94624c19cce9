import type { Identifiers } from "./identifiers.js";
import { MatrixError } from "./matrix-error.js";

export interface Account {
  readonly userId: string;
  /** Undefined where nobody can log in any more, since the account has been deactivated. */
  password: string | undefined;
  displayname: string | undefined;
  /** Locked out of everything but logging out. */
  isLocked: boolean;
  /** Kept from doing anything that others see. */
  isSuspended: boolean;
}

interface LoginToken {
  readonly userId: string;
  readonly expiresAt: number;
}

/** The users, and what logs them in. */
export class Accounts {
  readonly #identifiers: Identifiers;
  readonly #accounts = new Map<string, Account>();
  readonly #loginTokens = new Map<string, LoginToken>();

  constructor(identifiers: Identifiers) {
    this.#identifiers = identifiers;
  }

  get(userId: string): Account | undefined {
    return this.#accounts.get(userId);
  }

  changePassword(userId: string, password: string): void {
    const account = this.get(userId);
    if (account !== undefined) account.password = password;
  }

  /** Lets nobody log in to an account any more. Its name stays taken. */
  deactivate(userId: string): void {
    const account = this.get(userId);
    if (account !== undefined) account.password = undefined;
  }

  /**
   * Refuses a user whose account is locked.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#account-locking
   */
  checkLock(userId: string): void {
    if (this.get(userId)?.isLocked !== true) return;
    throw new MatrixError(401, "M_USER_LOCKED", "User account has been locked", { soft_logout: true });
  }

  create(localpart: string, password: string): Account {
    const userId = this.#identifiers.userId(localpart);
    const account: Account = {
      userId,
      password,
      displayname: localpart,
      isLocked: false,
      isSuspended: false,
    };
    this.#accounts.set(userId, account);
    return account;
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
    if (found === undefined || found.expiresAt <= now) return undefined;
    const account = this.get(found.userId);
    return account?.password === undefined ? undefined : account;
  }
}
