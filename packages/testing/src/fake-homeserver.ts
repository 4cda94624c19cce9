import type { IncomingMessage, ServerResponse } from "node:http";
import type { Account } from "./accounts.js";
import { answerToFailure } from "./answer.js";
import { createAccount } from "./endpoints/register.js";
import { Homeserver } from "./homeserver.js";
import type { HomeserverOptions } from "./homeserver.js";
import { HttpServer, peekBody, readRequest, writeAnswer } from "./http-server.js";
import { Interceptors } from "./interceptors.js";
import type { Interceptor } from "./interceptors.js";
import { parseJson } from "./json.js";
import { recordRequest } from "./recorded-request.js";
import type { RecordedRequest } from "./recorded-request.js";

/** How a fake homeserver is set up. */
export interface FakeHomeserverOptions extends HomeserverOptions {
  /** The port on 127.0.0.1; any free one by default. */
  readonly port?: number;
}

/**
 * A small Matrix homeserver in this process, on a port of its own. It answers as a homeserver answers, out of what its users have
 * done, and forgets everything when it is closed. Users register over HTTP, as anywhere, or by `register`; rooms are made by users.
 */
export class FakeHomeserver implements AsyncDisposable {
  /** Where clients reach it, such as "http://127.0.0.1:40321". */
  readonly url: string;
  /** Every request that has reached it, in order, intercepted ones included. */
  readonly requests: readonly RecordedRequest[];
  readonly #homeserver: Homeserver;
  readonly #server: HttpServer;
  readonly #interceptors: Interceptors;

  private constructor(
    homeserver: Homeserver,
    server: HttpServer,
    interceptors: Interceptors,
    requests: readonly RecordedRequest[],
  ) {
    this.url = server.url;
    this.requests = requests;
    this.#homeserver = homeserver;
    this.#server = server;
    this.#interceptors = interceptors;
  }

  /** Starts a homeserver. Rejects when the port is taken. Close it when the test is over. */
  static async start(options: FakeHomeserverOptions = {}): Promise<FakeHomeserver> {
    const homeserver = new Homeserver(options);
    const interceptors = new Interceptors(homeserver.env);
    const requests: RecordedRequest[] = [];
    const server = await HttpServer.listen(options.port ?? 0, homeserver.env, async (request, response) => {
      const recorded = recordRequest(request);
      requests.push(recorded);
      const body = await peekBody(request);
      if (body !== undefined) recorded.body = parseJson(body);
      await interceptors.run(request, response, (into) => answer(homeserver, request, into, body));
    });
    homeserver.baseUrl = `${server.url}/`;
    return new FakeHomeserver(homeserver, server, interceptors, requests);
  }

  /** The part after the colon in its IDs. */
  get serverName(): string {
    return this.#homeserver.serverName;
  }

  /**
   * Lets a test answer requests itself, before the homeserver sees them. The path is given as the specification writes it, such as
   * "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}", or as a regular expression. The newest interceptor comes first.
   * The function that it returns removes it. Throws a `TypeError` when the path does not begin with "/", or the interceptor is no
   * function, or one of `faults` that was not called.
   */
  intercept(path: string | RegExp, interceptor: Interceptor): () => void {
    return this.#interceptors.add(path, interceptor);
  }

  /**
   * Drops connections that have no request so many milliseconds after their last answer, 0 for at once. A client that asks again
   * just then has its request lost, unread, as behind any server or proxy whose keep-alive time is over. The delay may be another
   * one each time. The function that it returns ends this.
   */
  dropIdleSocketsAfter(delayMs: number | (() => number)): () => void {
    this.#server.dropIdleSocketsAfter(typeof delayMs === "number" ? () => delayMs : delayMs);
    return () => this.#server.dropIdleSocketsAfter(undefined);
  }

  /**
   * Makes an account that clients can log in to, without a device. The name is checked as over HTTP: one that is taken or invalid
   * throws an error with the `status` and the `body` that a client would get.
   */
  register(username: string, password: string): { readonly userId: string } {
    const { userId } = createAccount(this.#homeserver, username, password);
    return { userId };
  }

  /**
   * Ends the access tokens of a user as their expiry does: 401 `M_UNKNOWN_TOKEN` with `soft_logout: true`. Refresh tokens go on.
   * Throws when there is no such user.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens
   */
  expireAccessTokens(userId: string): void {
    this.#homeserver.sessions.expireAccessTokens(this.#account("expire the access tokens of", userId).userId);
  }

  /**
   * Ends the sessions of a user as having lived for too long does: access tokens are answered with 401 `M_UNKNOWN_TOKEN` and
   * `soft_logout: true`, refresh tokens with 403 `M_FORBIDDEN`. The devices stay, and can be logged in again. Throws when there is no
   * such user.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#soft-logout
   */
  softLogOut(userId: string): void {
    this.#account("softly log out", userId);
    this.#homeserver.sessions.expireAccessTokens(userId);
    this.#homeserver.sessions.endRefreshing(userId);
  }

  /**
   * Ends the sessions of a user for good, as an administrator can: 401 `M_UNKNOWN_TOKEN` with `soft_logout: false`. Throws when
   * there is no such user.
   */
  logOut(userId: string): void {
    this.#homeserver.sessions.end(this.#account("log out", userId).userId);
  }

  /**
   * Locks the account of a user: 401 `M_USER_LOCKED` with `soft_logout: true` for all but logging out, until it is unlocked. The
   * sessions stay. Throws when there is no such user.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#account-locking
   */
  lockUser(userId: string): void {
    this.#account("lock", userId).isLocked = true;
  }

  /** Unlocks an account. Throws when there is no such user. */
  unlockUser(userId: string): void {
    this.#account("unlock", userId).isLocked = false;
  }

  /**
   * Suspends the account of a user: 403 `M_USER_SUSPENDED` for sending, creating rooms, joining, inviting, banning and changing the
   * profile. Reading, leaving, redacting one's own events and logging out go on. Throws when there is no such user.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#account-suspension
   */
  suspendUser(userId: string): void {
    this.#account("suspend", userId).isSuspended = true;
  }

  /** Ends the suspension of an account. Throws when there is no such user. */
  unsuspendUser(userId: string): void {
    this.#account("unsuspend", userId).isSuspended = false;
  }

  /**
   * Signs a user on at the provider of single sign-on, in place of whoever was, or signs everybody off. Throws where
   * the homeserver was started without `singleSignOn: true`, and when there is no such user.
   */
  signOnAs(userId: string | undefined): void {
    if (this.#homeserver.options.singleSignOn !== true) {
      const tried = userId === undefined ? "sign everybody off" : `sign on as "${userId}"`;
      throw new Error(
        `Cannot ${tried}: this homeserver has no single sign-on; start it by FakeHomeserver.start({ singleSignOn: true })`,
      );
    }
    this.#homeserver.signedOn = userId === undefined ? undefined : this.#account("sign on as", userId).userId;
  }

  /** Ends it, with every request that still waits for an answer. Closing twice is one close. */
  async close(): Promise<void> {
    await this.#server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #account(verb: string, userId: string): Account {
    const account = this.#homeserver.accounts.get(userId);
    if (account !== undefined) return account;
    throw new Error(
      `Cannot ${verb} "${userId}": there is no such user; user IDs look like "@bot:${this.serverName}", and register("bot", …) makes one`,
    );
  }
}

async function answer(
  homeserver: Homeserver,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer | undefined,
): Promise<void> {
  const read = readRequest(request, response, body);
  writeAnswer(response, await read.then((whole) => homeserver.answer(whole), answerToFailure));
}
