import type { Credentials } from "./authenticate.js";

/** What the client asks its application: each question has one owner, fixed when the client is made. */
export interface Callbacks {
  /**
   * The homeserver has ended the access token but not the session ("soft logout"): how can the client log in again? The device
   * stays the same. Without this callback, or when it resolves with `undefined`, the request that met this fails with the
   * homeserver's `M_UNKNOWN_TOKEN`, and the session stays stored.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#soft-logout
   */
  logInAgain?(session: {
    userId: string;
    deviceId: string;
  }): Promise<Credentials | undefined> | Credentials | undefined;
}
