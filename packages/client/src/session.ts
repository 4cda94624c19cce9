import { StorageError, type StorageValue } from "@mx/storage";
import { isJsonObject } from "./json.js";
import { restoreTokens, type Tokens } from "./tokens.js";

const renewalPauseMs = 5000;

/** Who the client is to its homeserver. Its tokens leave it only in a request to that homeserver. */
export class Session {
  readonly userId: string;
  /** Missing when the access token belongs to no device, as an application service's does. */
  readonly deviceId: string | undefined;
  /** Tells it from the one that another login begins on the same device; known when it is stored. */
  id: string | undefined;
  #tokens: Tokens;
  #isProven = false;
  #renewAt: number;
  readonly #end = new AbortController();

  /** Shared by all requests whose access token was refused: whether there is another one now. */
  renewing: Promise<"renewed" | "kept" | "over"> | undefined;
  /** Shared by all requests that were to be made when the tokens were due. */
  renewingEarly: Session["renewing"];
  /** Shared by all calls that log out. */
  loggingOut: Promise<void> | undefined;
  /** Shared by all that find the session over. */
  ending: Promise<void> | undefined;
  isToldOver = false;
  isAskingToLogIn = false;
  isSyncing = false;

  constructor(userId: string, deviceId: string | undefined, tokens: Tokens, id?: string) {
    this.id = id;
    this.userId = userId;
    this.deviceId = deviceId;
    this.#tokens = tokens;
    this.#renewAt = tokens.refreshAt ?? Number.POSITIVE_INFINITY;
  }

  get tokens(): Tokens {
    return this.#tokens;
  }

  get accessToken(): string {
    return this.#tokens.accessToken;
  }

  /** Whether the tokens came from a refresh, and no request with them has succeeded yet: the homeserver may have dropped them for others. */
  get isDoubtful(): boolean {
    return this.#tokens.gotBy !== undefined && !this.#isProven;
  }

  /** Aborted when the session is over: with a `NotLoggedInError` after a logout, with the homeserver's `MatrixError` otherwise. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** A request with this access token has succeeded. */
  prove(accessToken: string): void {
    if (accessToken === this.#tokens.accessToken) this.#isProven = true;
  }

  /** The session goes on with other tokens. */
  renew(tokens: Tokens): void {
    this.#tokens = tokens;
    this.#isProven = false;
    this.#renewAt = tokens.refreshAt ?? Number.POSITIVE_INFINITY;
  }

  /** Tells whether the tokens are to be renewed before the next request. */
  isDue(now: number): boolean {
    return now >= this.#renewAt;
  }

  /** The tokens could not be renewed: the next attempt has time. When they end before it, a request will meet that. */
  postponeRenewal(now: number): void {
    this.#renewAt = now + renewalPauseMs;
  }

  end(reason: Error): void {
    this.#end.abort(reason);
  }
}

/** Tells whether two sessions are of the same user on the same device. */
export function isSameDevice(session: Session, other: Session): boolean {
  return other.userId === session.userId && other.deviceId === session.deviceId;
}

/** Tells whether what is stored is a session of this process, with tokens of another time perhaps. */
export function isSameSession(session: Session, stored: Session): boolean {
  return isSameDevice(session, stored) && session.id === stored.id;
}

/** What is stored of a session, with the tokens that it has or is about to have. */
export function storedForm({ id, userId, deviceId }: Session, tokens: Tokens): StorageValue {
  return { ...(id !== undefined && { id }), userId, ...(deviceId !== undefined && { deviceId }), ...tokens };
}

/** The session that was stored, if there is one. */
export function restoreSession(stored: StorageValue | undefined): Session | undefined {
  if (stored === undefined) return undefined;
  if (isJsonObject(stored)) {
    const { id, userId, deviceId } = stored;
    const tokens = restoreTokens(stored);
    const hasDevice = deviceId === undefined || typeof deviceId === "string";
    if (typeof userId === "string" && hasDevice && tokens) {
      return new Session(userId, deviceId, tokens, typeof id === "string" ? id : undefined);
    }
  }
  throw new StorageError("Cannot restore the session: what is stored is none; clear the storage to begin anew");
}
