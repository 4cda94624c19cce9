import { FakeHomeserver, faults } from "@mx/testing";
import { memoryStorage } from "@mx/storage";
import type { IncomingMessage, ServerResponse } from "node:http";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Client, type ClientOptions } from "./client.js";
import { endpoint } from "./endpoint.js";
import type { Env } from "./env.js";
import type { Fetch } from "./fetch.js";
import { ConnectionError, MatrixError } from "./errors.js";
import { SyncFailed } from "./messages.js";
import { closing } from "./testing/closing.js";
import { logIn as logInAs, startFake } from "./testing/homeservers.js";
import { fetches } from "./testing/fetches.js";
import { openFullPort } from "./testing/full-port.js";
import { hastyEnv } from "./testing/hasty-env.js";
import { startWire, type Wire } from "./testing/wire.js";

const password = "correct-horse";

/** A server on another port that would take anything, and answers what a client may want to hear. */
async function startStranger(): Promise<Wire> {
  const evil = { next_batch: "evil", event_id: "$evil", room_id: "!evil", user_id: "@evil:evil", access_token: "evil" };
  return startWire((_, response) => void response.end(JSON.stringify({ ...evil, refresh_token: "evil" })));
}

const otherProtocol = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n";

/** Waits for something that is about to be so. */
const eventually = (check: () => unknown): Promise<unknown> => vi.waitFor(check, { interval: 2, timeout: 5000 });

describe.each(fetches)("Requests by $name", (tested) => {
  const opened = tested.open();
  const { fetch } = opened;
  let fake: FakeHomeserver;
  let stranger: Wire;
  beforeAll(async () => {
    fake = await FakeHomeserver.start();
    fake.register("alice", password);
    stranger = await startStranger();
  });
  afterAll(async () => {
    opened.close();
    await stranger.close();
    await fake.close();
  });

  /** A client over this fetch. */
  function openClient(url: string, env: Partial<Env> = {}, options: Partial<ClientOptions> = {}): Client {
    const baseClientUrl = `${url}/_matrix/client/`;
    return closing(new Client({ storage: memoryStorage(), baseClientUrl, env: { ...env, fetch }, ...options }));
  }

  async function logIn(env?: Partial<Env>, options?: Partial<ClientOptions>): Promise<Client> {
    const client = openClient(fake.url, env, options);
    await client.login({ user: "alice", password });
    return client;
  }

  /** Answers until the end of the test. */
  function intercept(path: RegExp, answer: Parameters<FakeHomeserver["intercept"]>[1]): () => void {
    const stop = fake.intercept(path, answer);
    closing({ close: stop });
    return stop;
  }

  describe("that are redirected", () => {
    const statuses = [301, 302, 303, 307, 308];

    /** Another port, another name of the same host with another port, the same port under another name, and no host. */
    const places = (): string[] => [
      stranger.url,
      stranger.url.replace("127.0.0.1", "localhost"),
      fake.url.replace("127.0.0.1", "localhost"),
      "//localhost:1",
    ];

    it("go nowhere else, and believe nobody else (threats 1, 2)", async () => {
      const storage = memoryStorage();
      const { env } = hastyEnv();
      const client = await logIn(env, { storage });
      const newcomer = openClient(fake.url, env);
      const roomId = await client.createRoom();
      const before = await storage.namespace("client").get("session");
      const asked = fake.requests.length;
      let redirects = 0;
      for (const status of statuses) {
        for (const place of places()) {
          const stop = fake.intercept(/./, (request, response, pass, behind) => {
            redirects++;
            return faults.redirectTo(`${place}/stolen${request.url}`, status)(request, response, pass, behind);
          });
          const calls = [
            client.whoami(),
            client.sendText(roomId, "secret"),
            client.createRoom({ name: "secret" }),
            newcomer.login({ user: "alice", password }),
            firstFailureOfSync(client),
          ];
          const outcomes = await Promise.allSettled(calls);
          stop();
          for (const outcome of outcomes) {
            expect(outcome).toMatchObject({ status: "rejected", reason: { name: "ConnectionError", status } });
            expect((outcome as { reason: unknown }).reason).toMatchObject({ outcomeUnknown: false });
          }
        }
      }
      expect(redirects).toBe(fake.requests.length - asked);
      expect(redirects).toBe(statuses.length * places().length * 5);
      expect(await storage.namespace("client").get("sync")).toBeUndefined();
      expect(await storage.namespace("client").get("session")).toEqual(before);
      expect(await newcomer.isLoggedIn()).toBe(false);
      expect(stranger.requests).toEqual([]);
      expect(fake.requests.filter(({ path }) => path.includes("stolen"))).toEqual([]);
    });

    it("do not take refresh tokens along (threats 1, 2)", async () => {
      const client = await logIn(hastyEnv().env);
      const { userId } = await client.whoami();
      fake.expireAccessTokens(userId);
      for (const status of statuses) {
        for (const place of places()) {
          const redirect = faults.redirectTo(`${place}/stolen`, status);
          const stop = fake.intercept("/_matrix/client/v3/refresh", redirect);
          await expect(client.whoami()).rejects.toMatchObject({ name: "ConnectionError", status });
          stop();
        }
      }
      expect(stranger.requests).toEqual([]);
      expect(fake.requests.filter(({ path }) => path.includes("stolen"))).toEqual([]);
      expect(await client.whoami()).toMatchObject({ userId });
    });
  });

  it("never have a token in their URL (threat 3)", async () => {
    const client = await logIn();
    await client.createRoom();
    const { userId } = await client.whoami();
    fake.expireAccessTokens(userId);
    const stop = new AbortController();
    intercept(/v3\/sync/, (_, __, pass) => {
      stop.abort();
      return pass();
    });
    await client.sync({ signal: stop.signal });
    await client.logout();
    const urls = fake.requests.map(({ path, query }) => `${path}?${query.toString()}`);
    expect(urls.length).toBeGreaterThan(5);
    expect(urls.filter((url) => /access_token=|refresh_token=/.test(url))).toEqual([]);
  });

  describe("that are asked to wait", () => {
    const now = Date.UTC(2026, 0, 1);
    const own = expect.toSatisfy((ms: number) => ms >= 250 && ms <= 500) as number;
    const words = '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":1500}';

    it.each([
      ["for seconds", { "retry-after": "2" }, words, 2000],
      ["until a date", { "retry-after": "Thu, 01 Jan 2026 00:00:10 GMT" }, words, 10_000],
      ["until a date that is over", { "retry-after": "Thu, 01 Jan 2015 00:00:10 GMT" }, words, 50],
      ["in the body", {}, words, 1500],
      ["in the body, and a text in the header", { "retry-after": "soon" }, words, 1500],
      ["in the body, and a negative number in the header", { "retry-after": "-5" }, words, 1500],
      ["in the body, and half a number in the header", { "retry-after": "3 s" }, words, 1500],
      ["in the body, and 1e12 in the header", { "retry-after": "1e12" }, words, 1500],
      ["not at all", { "retry-after": "0" }, words, 50],
      ["for a text", {}, '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":"1500"}', own],
      ["for less than nothing", {}, '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":-1500}', own],
      ["by a page", {}, "<html>", own],
    ])("do so %s, but not for ever and not for nothing (threat 8)", async (_, headers, body, waited) => {
      const { env, waits } = hastyEnv();
      const client = openClient(fake.url, { ...env, now: () => now });
      intercept(/v3\/login/, faults.times(1, faults.answerWith(429, body, headers)));
      await client.loginFlows();
      expect(waits).toEqual([waited]);
    });

    it.each([
      ["for 30,000 years", { "retry-after": "1000000000000" }, "{}", 1e15],
      ["until the end of time", { "retry-after": "Fri, 31 Dec 9999 23:59:59 GMT" }, "{}", Date.UTC(9999, 11, 31) - now],
      ["for 30 years", {}, '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":1000000000000}', 1e12],
    ])("give up at once when it is %s (threat 8)", async (_, headers, body, retryAfterMs) => {
      const { env, waits } = hastyEnv();
      const client = openClient(fake.url, { ...env, now: () => now });
      intercept(/v3\/login/, faults.answerWith(429, body, headers));
      const error: unknown = await client.loginFlows().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ status: 429 });
      expect((error as MatrixError).retryAfterMs).toBeGreaterThanOrEqual(retryAfterMs);
      expect(waits).toEqual([]);
    });

    it("set no timer that would end at once because it is too long (threat 8)", async () => {
      const delays: number[] = [];
      const client = openClient(fake.url, { setTimeout: (_, delayMs) => delays.push(delayMs), clearTimeout() {} });
      intercept(/v3\/login/, faults.rateLimited({ retryAfter: "1000000000000" }));
      const controller = new AbortController();
      const { signal } = controller;
      const call = client.request("GET", "v3/login", { authenticated: false, timeoutMs: Infinity, signal });
      await eventually(() => expect(delays).toEqual([2 ** 31 - 1, 2 ** 31 - 1]));
      controller.abort(new Error("enough"));
      await expect(call).rejects.toThrow("enough");
    });
  });

  describe.each(["{}", "[]", '{"event_id":null,"room_id":null}', '{"event_id":7,"room_id":{}}'])(
    "that are answered %s, with a status of success",
    (body) => {
      const answer = faults.afterProcessing(faults.answerWith(200, body));

      it("have not succeeded: what has no second effect is made again (threat 9)", async () => {
        const client = await logIn(hastyEnv().env);
        const roomId = await client.createRoom();
        intercept(/v3\/rooms\/.*\/send/, faults.times(2, answer));
        const eventId = await client.sendText(roomId, "Hello");
        const query = { dir: "b", limit: 2 };
        const path = endpoint`v3/rooms/${roomId}/messages`;
        const { chunk } = await client.request<{ chunk: { event_id: string; type: string }[] }>("GET", path, { query });
        expect(chunk[0]).toMatchObject({ event_id: eventId, content: { body: "Hello" } });
        expect(chunk[1]).not.toMatchObject({ type: "m.room.message" });
        intercept(/v3\/join/, faults.times(2, answer));
        expect(await client.joinRoom(roomId)).toBe(roomId);
      });

      it("have not succeeded: of what has one, it is said that it may have been done (threat 9)", async () => {
        const client = await logIn(hastyEnv().env);
        intercept(/v3\/createRoom/, answer);
        const before = fake.requests.length;
        await expect(client.createRoom()).rejects.toMatchObject({
          name: "ConnectionError",
          message:
            'Cannot POST v3/createRoom: the answer was 200 with a body that lacks its "room_id"; it may have been done all the same',
          status: 200,
          outcomeUnknown: true,
        });
        expect(fake.requests).toHaveLength(before + 1);
      });
    },
  );

  describe("whose answers are too large", () => {
    it.each([404, 200])("keep none for the body of a %i that they do not read", async (status) => {
      let open = 0;
      const listener = (request: IncomingMessage, response: ServerResponse): void => {
        open++;
        response.on("close", () => open--);
        if (request.url?.endsWith("small")) return void response.end("{}");
        // Large, and without an end.
        response.writeHead(status, { "content-type": "text/html" }).write("a".repeat(100_000));
      };
      const wire = closing(await startWire(listener));
      const client = openClient(wire.url);
      const ask = (what: string): Promise<unknown> =>
        client.request("GET", what, { authenticated: false, maxBodyBytes: 1000 });
      for (let times = 0; times < 3; times++) await expect(ask("large")).rejects.toThrow(ConnectionError);
      expect(await ask("small")).toEqual({});
      await eventually(() => expect(open).toBe(0));
    });
  });

  describe("that are aborted", () => {
    const reason = new Error("enough");

    /** The runtime's own timers, counted. */
    function countTimers() {
      const timers = new Set<unknown>();
      const env: Pick<Env, "setTimeout" | "clearTimeout"> = {
        setTimeout(callback, delayMs) {
          const timer = setTimeout(() => {
            timers.delete(timer);
            callback();
          }, delayMs);
          timers.add(timer);
          return timer;
        },
        clearTimeout(timer) {
          timers.delete(timer);
          clearTimeout(timer as ReturnType<typeof setTimeout>);
        },
      };
      return { env, timers };
    }

    it("before they begin are not made", async () => {
      const client = await logIn();
      const before = fake.requests.length;
      const signal = AbortSignal.abort(reason);
      await expect(client.request("GET", "v3/account/whoami", { signal })).rejects.toBe(reason);
      await expect(client.request("POST", "v3/createRoom", { body: {}, signal })).rejects.toBe(reason);
      await expect(client.sendText("!r", "x", { signal })).rejects.toBe(reason);
      expect(fake.requests).toHaveLength(before);
    });

    it("while they connect end at once", async () => {
      const { port } = closing(await openFullPort());
      const { env, timers } = countTimers();
      const client = openClient(`http://127.0.0.1:${port}`, env);
      const controller = new AbortController();
      const call = client.request("POST", "v3/x", { body: {}, authenticated: false, signal: controller.signal });
      await eventually(() => expect(timers.size).toBe(1));
      setImmediate(() => controller.abort(reason));
      await expect(call).rejects.toBe(reason);
      expect(timers.size).toBe(0);
    });

    it.each([
      ["the answer has not begun", () => {}],
      ["the body dribbles", (_: unknown, response: ServerResponse) => void response.write('{"a":')],
      [
        "a compressed body dribbles",
        (_: unknown, response: ServerResponse) => {
          response.setHeader("content-encoding", "gzip");
          response.write(Buffer.of(0x1f, 0x8b));
        },
      ],
    ])("while %s end at once, and close their socket", async (_, answer) => {
      let open = 0;
      const wire = closing(
        await startWire((request, response) => {
          open++;
          response.on("close", () => open--);
          answer(request, response);
        }),
      );
      const { env, timers } = countTimers();
      const client = openClient(wire.url, env);
      for (const method of ["GET", "PUT", "POST"]) {
        const controller = new AbortController();
        const before = wire.requests.length;
        const options = { body: method === "GET" ? undefined : {}, authenticated: false, signal: controller.signal };
        const call = client.request(method, "v3/x", options as object);
        await eventually(() => expect(wire.requests.length).toBe(before + 1));
        controller.abort(reason);
        await expect(call).rejects.toBe(reason);
      }
      expect(timers.size).toBe(0);
      await eventually(() => expect(open).toBe(0));
    });

    it("while they wait to be made again end at once, and leave no timer", async () => {
      const { env, timers } = countTimers();
      const client = openClient(fake.url, env);
      intercept(/v3\/login/, faults.rateLimited({ retryAfter: "20" }));
      const controller = new AbortController();
      const call = client.request("GET", "v3/login", { authenticated: false, signal: controller.signal });
      await eventually(() => expect(timers.size).toBe(2));
      controller.abort(reason);
      await expect(call).rejects.toBe(reason);
      expect(timers.size).toBe(0);
    });
  });

  it("end at the deadline, whatever a server does (threat 6)", async () => {
    const wire = closing(
      await startWire((request, response) => {
        if (request.url?.includes("switch")) request.socket.write(otherProtocol);
        if (request.url?.includes("dribble")) response.write('{"a":');
      }),
    );
    const client = openClient(wire.url);
    const startedAt = performance.now();
    const calls = ["silent", "switch", "dribble"].map((path) =>
      client.request("PUT", path, { authenticated: false, timeoutMs: 100, body: {} }),
    );
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { name: "ConnectionError", outcomeUnknown: true } });
    }
    expect(performance.now() - startedAt).toBeLessThan(1100);
  });

  it("that were never sent are made again, whatever they are, until somebody is there", async () => {
    const wire = await startWire(() => {});
    await wire.close();
    const port = Number(new URL(wire.url).port);
    let late: FakeHomeserver | undefined;
    const waits: number[] = [];
    const client = openClient(wire.url, {
      setTimeout(callback, delayMs) {
        if (delayMs === 60_000) return setTimeout(callback, delayMs);
        waits.push(delayMs);
        if (waits.length < 3) return setTimeout(callback, 0);
        return void (async () => {
          late = closing(await FakeHomeserver.start({ port }));
          callback();
        })();
      },
    });
    const body = { username: "bob", password, auth: { type: "m.login.dummy" }, inhibit_login: true };
    const answer = await client.request("POST", "v3/register", { authenticated: false, body });
    expect(answer).toHaveProperty("user_id", "@bob:fake.test");
    expect([waits.length, late?.requests.length]).toEqual([3, 1]);
  });

  describe("that fail", () => {
    const body = { password, nested: { refresh_token: "refresh-me" } };
    const query = { loginToken: "log-me-in" };
    it.each([
      ["nobody is there", undefined, /connect ECONNREFUSED 127\.0\.0\.1:\d+$/],
      ["the connection is lost", faults.dropBeforeProcessing(), /socket hang up|other side closed/],
      ["the answer is cut", faults.dropInBody(), /the answer 404 was cut off: \w/],
      ["nothing comes", faults.fallSilentBeforeProcessing(), /no whole answer within 100 ms$/],
      ["a proxy answers", faults.gatewayError(), /the answer was 502 with no Matrix error$/],
      ["a redirect comes", faults.redirectTo("/elsewhere"), /the answer was a redirect, which would take the token/],
    ])("say what happened and what was tried when %s, and nothing else (threat 4)", async (_, fault, found) => {
      const own = closing(await FakeHomeserver.start());
      own.register("alice", password);
      const client = openClient(own.url);
      await client.login({ user: "alice", password });
      await client.whoami();
      const token = own.requests.at(-1)?.headers.authorization?.split(" ")[1] ?? "";
      expect(token.length).toBeGreaterThan(5);
      if (fault) own.intercept(/v3\/x/, fault);
      else await own.close();
      for (const method of ["GET", "POST"]) {
        const options = { query, timeoutMs: 100, ...(method === "POST" && { body }) };
        const error: unknown = await client.request(method, "v3/x", options).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(ConnectionError);
        const { message, outcomeUnknown } = error as ConnectionError;
        const [before = "", ...endings] = message.split("; it may have been done all the same");
        expect(before).toMatch(found);
        expect(endings).toEqual(outcomeUnknown ? [""] : []);
        expect((error as Error).message).toContain(`Cannot ${method} v3/x: `);
        const all = inspect(error, { depth: 9, showHidden: true });
        for (const secret of [token, password, "refresh-me", "log-me-in"]) expect(all).not.toContain(secret);
        expect(all).not.toMatch(/(Socket|Agent|Signal|Message|Request|Response|Headers) \{/);
      }
    });
  });
});

/** What the first answer of a sync fails with; the sync ends then. */
async function firstFailureOfSync(client: Client): Promise<never> {
  const stop = new AbortController();
  const failed = client.publisher.next(SyncFailed);
  const syncing = client.sync({ signal: stop.signal });
  const { error } = await failed;
  stop.abort();
  await syncing;
  throw error;
}

it("An answer of somebody else is none, also by a fetch that follows redirects against its orders (threat 2)", async () => {
  const [fake, elsewhere] = [await startFake(), await startFake()];
  const following: Fetch = (url, init) => fetch(url, { ...init, redirect: "follow" });
  const { client } = await logInAs(fake, "alice", { env: { fetch: following } });
  const redirect = fake.intercept(/whoami/, (_, response) => {
    response.writeHead(302, { location: `${elsewhere.url}/_matrix/client/v3/account/whoami` }).end();
  });
  elsewhere.intercept(/whoami/, faults.answerWith(200, '{"user_id":"@evil:example.org"}'));
  await expect(client.whoami()).rejects.toMatchObject({
    name: "ConnectionError",
    message: expect.stringContaining("that of another server") as string,
  });
  redirect();
  expect(await client.isLoggedIn()).toBe(true);
});
