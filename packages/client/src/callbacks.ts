import type { Credentials } from "./credentials.js";

/** What the client asks its application: each question has one owner, fixed when the client is made. */
export interface Callbacks {
  /**
   * The homeserver has ended the access token but not the session ("soft logout"): how can the client log in again? The device
   * stays the same. Without this callback, or when it resolves with `undefined`, the request that met this fails with the
   * homeserver's `M_UNKNOWN_TOKEN`, and the session stays stored. Authenticated requests wait for the answer, so the callback must
   * not wait for one.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#soft-logout
   */
  logInAgain?(session: SoftlyLoggedOut): Promise<Credentials | undefined> | Credentials | undefined;
}

/** Whose session it is that waits. */
export interface SoftlyLoggedOut {
  readonly userId: string;
  readonly deviceId: string | undefined;
}
