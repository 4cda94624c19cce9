import type { Credentials } from "./credentials.js";
import type { AuthenticationChallenge, AuthenticationStage } from "./interactive.js";

/** What the client asks its application: each question has one owner, fixed when the client is made. */
export interface Callbacks {
  /**
   * The homeserver has ended the access token but not the session ("soft logout"): how can the client log in again? The device
   * stays the same. Without this callback, or when it resolves with `undefined`, the request that met this fails with the
   * homeserver's `M_UNKNOWN_TOKEN`, and the session stays stored. Authenticated requests wait for the answer for as long
   * as they may take, so the callback must not wait for one.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#soft-logout
   */
  logInAgain?(session: SoftlyLoggedOut): Promise<Credentials | undefined> | Credentials | undefined;
  /**
   * The homeserver wants the user to prove who they are, or what they are, before it does what it was asked for, such as making an
   * account or deleting a device: what is the answer for one of the stages that are left? Such as
   * `{ type: "m.login.password", identifier: { type: "m.id.user", user: userId }, password }`; the session of the authentication is added
   * to it. Without this callback, or when it resolves with `undefined`, the request fails with the homeserver's refusal, a `MatrixError` of
   * status 401; and after ten answers that get no further. It may take its time.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
   */
  authenticate?(
    challenge: AuthenticationChallenge,
  ): Promise<AuthenticationStage | undefined> | AuthenticationStage | undefined;
}

/** Whose session it is that waits. */
export interface SoftlyLoggedOut {
  readonly userId: string;
  readonly deviceId: string | undefined;
}
