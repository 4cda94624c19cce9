import { StorageError, type StorageValue } from "@mx/storage";
import { isJsonObject } from "./json.js";

/** Who the client is to its homeserver. The access token leaves it only in a request to that homeserver. */
export class Session {
  readonly userId: string;
  /** Missing when the access token belongs to no device, as an application service's does. */
  readonly deviceId: string | undefined;
  #accessToken: string;
  readonly #end = new AbortController();

  /** Shared by all requests that met the same soft logout: whether there is another access token now. */
  renewing: Promise<boolean> | undefined;
  /** Shared by all calls that log out. */
  loggingOut: Promise<void> | undefined;
  /** Shared by all that find the session over. */
  ending: Promise<void> | undefined;
  isSyncing = false;

  constructor(userId: string, deviceId: string | undefined, accessToken: string) {
    this.userId = userId;
    this.deviceId = deviceId;
    this.#accessToken = accessToken;
  }

  get accessToken(): string {
    return this.#accessToken;
  }

  /** Aborted when the session is over: with a `NotLoggedInError` after a logout, with the homeserver's `MatrixError` otherwise. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** The session goes on with another access token. */
  renew(accessToken: string): void {
    this.#accessToken = accessToken;
  }

  end(reason: Error): void {
    this.#end.abort(reason);
  }
}

/** What is stored of a session, with the access token that it has or is about to have. */
export function storedForm({ userId, deviceId }: Session, accessToken: string): StorageValue {
  return { userId, ...(deviceId !== undefined && { deviceId }), accessToken };
}

/** The session that was stored, if there is one. */
export function restoreSession(stored: StorageValue | undefined): Session | undefined {
  if (stored === undefined) return undefined;
  if (isJsonObject(stored)) {
    const { userId, deviceId, accessToken } = stored;
    const hasDevice = deviceId === undefined || typeof deviceId === "string";
    if (typeof userId === "string" && hasDevice && typeof accessToken === "string") {
      return new Session(userId, deviceId, accessToken);
    }
  }
  throw new StorageError("Cannot restore the session: what is stored is none; clear the storage to begin anew");
}
