import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { SimulatedEnv } from "./testing/simulated-env.js";
import { PASSWORD, User, field, joined, path, request, textsOf } from "./testing/user.js";
import type { Reply } from "./testing/user.js";
import { FakeHomeserver, faults } from "./index.js";
import type { FakeHomeserverOptions, Interceptor } from "./index.js";

/** Starts a homeserver that ends with the test. */
async function start(options?: FakeHomeserverOptions): Promise<FakeHomeserver> {
  const homeserver = await FakeHomeserver.start(options);
  onTestFinished(() => homeserver.close());
  return homeserver;
}

async function untilPolling(env: SimulatedEnv): Promise<void> {
  while (env.pendingTimers === 0) await setTimeout(1);
}

describe("starting and closing", () => {
  test("starts in less than 50 ms", async () => {
    let ms = Infinity;
    // A busy machine may delay one start, but not five.
    for (let attempt = 0; attempt < 5 && ms >= 50; attempt++) {
      const startedAt = performance.now();
      const homeserver = await start();
      ms = performance.now() - startedAt;
      expect(homeserver.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    }
    expect(ms).toBeLessThan(50);
  });

  test("has the server name that it is given", async () => {
    const homeserver = await start({ serverName: "example.org" });
    expect(homeserver.serverName).toBe("example.org");
    expect((await User.register(homeserver)).userId).toMatch(/:example\.org$/);
  });

  test("tells its own address to whoever discovers it", async () => {
    const homeserver = await start();
    const response = await fetch(`${homeserver.url}/.well-known/matrix/client`);
    expect(await response.json()).toEqual({ "m.homeserver": { base_url: `${homeserver.url}/` } });
  });

  test("ends long polls at once when it is closed, and leaves no timer behind", async () => {
    const env = new SimulatedEnv();
    const homeserver = await FakeHomeserver.start({ env });
    const user = await User.register(homeserver);
    const { next_batch: since } = await user.sync();
    const poll = user.sync({ since, timeoutMs: 60_000 }).catch((error: unknown) => error);
    await untilPolling(env);
    const closedAt = performance.now();
    await homeserver.close();
    expect(await poll).toBeInstanceOf(TypeError);
    // At once, but for what else the machine has to do: the poll would have gone on for a minute.
    expect(performance.now() - closedAt).toBeLessThan(2000);
    await expect.poll(() => env.pendingTimers).toBe(0);
  });

  test("frees its port, so that another one can start there", async () => {
    const first = await FakeHomeserver.start();
    const port = Number(new URL(first.url).port);
    await expect(FakeHomeserver.start({ port })).rejects.toThrow("EADDRINUSE");
    await first.close();
    await first.close();
    const second = await start({ port });
    expect(second.url).toBe(first.url);
  });

  test("closes with the scope that it is used in", async () => {
    const homeserver = await FakeHomeserver.start();
    await homeserver[Symbol.asyncDispose]();
    await expect(fetch(homeserver.url)).rejects.toThrow(TypeError);
  });

  test("drops a long poll whose client has gone", async () => {
    const env = new SimulatedEnv();
    const homeserver = await start({ env });
    const user = await User.register(homeserver);
    const { next_batch: since } = await user.sync();
    const client = new AbortController();
    const poll = user.get(`/sync?since=${since}&timeout=60000`, { signal: client.signal }).catch(() => "aborted");
    await untilPolling(env);
    client.abort();
    expect(await poll).toBe("aborted");
    await expect.poll(() => env.pendingTimers).toBe(0);
  });
});

describe("registering", () => {
  const credentials = { type: "m.login.password", password: "secret" };

  test("makes an account that can be logged in, and no device", async () => {
    const homeserver = await start();
    const { userId } = homeserver.register("Alice", "secret");
    expect(userId).toBe("@alice:fake.test");
    expect(homeserver.requests).toEqual([]);
    const body = { ...credentials, identifier: { type: "m.id.user", user: "alice" } };
    expect(await request(homeserver, "POST", "/login", { body })).toMatchObject({
      status: 200,
      body: { user_id: userId },
    });
    const wrong = { ...body, password: "wrong" };
    expect(await request(homeserver, "POST", "/login", { body: wrong })).toMatchObject({ status: 403 });
  });

  test.each(["alice", "Alice", "", "_bridge", "123", "with space", "ü", "x".repeat(250)])(
    "refuses %j as over HTTP, where alice is taken",
    async (username) => {
      const homeserver = await start();
      homeserver.register("alice", "secret");
      const body = { username, password: "secret", auth: { type: "m.login.dummy" } };
      const refused = await request(homeserver, "POST", "/register", { body });
      expect(refused.status).toBe(400);
      expect(() => homeserver.register(username, "secret")).toThrow(
        expect.objectContaining({ status: 400, body: refused.body }),
      );
    },
  );

  test("takes a name over HTTP, too", async () => {
    const homeserver = await start();
    const body = { username: "alice", password: "secret", auth: { type: "m.login.dummy" } };
    await request(homeserver, "POST", "/register", { body });
    expect(() => homeserver.register("alice", "secret")).toThrow("User ID already taken.");
  });
});

describe("sessions", () => {
  const EXPIRED = { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", soft_logout: true } };
  const ENDED = { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", soft_logout: false } };

  async function logInToRefresh(homeserver: FakeHomeserver, user: User): Promise<Reply> {
    const identifier = { type: "m.id.user", user: user.userId };
    const body = { type: "m.login.password", identifier, password: PASSWORD, refresh_token: true };
    return request(homeserver, "POST", "/login", { body });
  }

  function refresh(homeserver: FakeHomeserver, reply: Reply): Promise<Reply> {
    return request(homeserver, "POST", "/refresh", { body: { refresh_token: field(reply, "refresh_token") } });
  }

  function use(homeserver: FakeHomeserver, reply: Reply): Promise<Reply> {
    return request(homeserver, "GET", "/account/whoami", { accessToken: field(reply, "access_token") });
  }

  test.each([
    [undefined, 300_000],
    [2000, 2000],
  ])(
    "that can be refreshed have access tokens which live as long as they are told to: %j",
    async (option, lifetime) => {
      const env = new SimulatedEnv();
      const homeserver = await start({ env, ...(option !== undefined && { accessTokenLifetimeMs: option }) });
      const user = await User.register(homeserver);
      const first = await logInToRefresh(homeserver, user);
      expect(first.body).toMatchObject({ expires_in_ms: lifetime });
      env.advance(lifetime - 1);
      expect(await use(homeserver, first)).toMatchObject({ status: 200 });
      env.advance(1);
      expect(await use(homeserver, first)).toMatchObject(EXPIRED);
      const second = await refresh(homeserver, first);
      expect(second.body).toMatchObject({ expires_in_ms: lifetime });
      expect(await use(homeserver, second)).toMatchObject({ status: 200 });
      env.advance(lifetime);
      expect(await use(homeserver, second)).toMatchObject(EXPIRED);
    },
  );

  test("that cannot be refreshed have access tokens which do not expire", async () => {
    const env = new SimulatedEnv();
    const user = await User.register(await start({ env }));
    env.advance(365 * 86_400_000);
    expect(await user.get("/account/whoami")).toMatchObject({ status: 200 });
  });

  test("go on by a refresh when their access tokens have been made to expire", async () => {
    const homeserver = await start();
    const user = await User.register(homeserver);
    const first = await logInToRefresh(homeserver, user);
    homeserver.expireAccessTokens(user.userId);
    expect(await use(homeserver, first)).toMatchObject(EXPIRED);
    expect(await user.get("/account/whoami")).toMatchObject(EXPIRED);
    expect(await use(homeserver, await refresh(homeserver, first))).toMatchObject({ status: 200 });
  });

  test("that have ended softly are refreshed no more, and can be logged out", async () => {
    const homeserver = await start();
    const user = await User.register(homeserver);
    const first = await logInToRefresh(homeserver, user);
    homeserver.softLogOut(user.userId);
    expect(await use(homeserver, first)).toMatchObject(EXPIRED);
    expect(await refresh(homeserver, first)).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
    expect(await user.post("/logout")).toMatchObject({ status: 200 });
    expect(await user.get("/account/whoami")).toMatchObject(ENDED);
  });

  test("that have ended for good are refreshed no more", async () => {
    const homeserver = await start();
    const user = await User.register(homeserver);
    const first = await logInToRefresh(homeserver, user);
    homeserver.expireAccessTokens(user.userId);
    homeserver.logOut(user.userId);
    expect(await use(homeserver, first)).toMatchObject(ENDED);
    expect(await refresh(homeserver, first)).toMatchObject({ status: 401, body: { errcode: "M_UNKNOWN_TOKEN" } });
  });

  test.each(["lockUser", "unlockUser", "suspendUser", "unsuspendUser"] as const)(
    "are those of users that exist: %s",
    async (method) => {
      const homeserver = await start();
      expect(() => homeserver[method]("@nobody:fake.test")).toThrow(
        /^Cannot \w+ "@nobody:fake.test": there is no such/,
      );
    },
  );

  test("end for good where their tokens are older than the ones before the last", async () => {
    const homeserver = await start();
    const first = await logInToRefresh(homeserver, await User.register(homeserver));
    await refresh(homeserver, await refresh(homeserver, first));
    expect(await use(homeserver, first)).toMatchObject(ENDED);
  });

  test("end softly as if they had expired, and the device can be logged in again", async () => {
    const homeserver = await start();
    const user = await User.register(homeserver);
    const roomId = await user.createRoom();
    const eventId = await user.send(roomId, "Before", "txn");
    homeserver.softLogOut(user.userId);
    const refused = { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", soft_logout: true } };
    expect(await user.get("/account/whoami")).toMatchObject(refused);
    expect(await user.get("/sync")).toMatchObject(refused);
    const again = await user.logIn(user.deviceId);
    expect(await again.send(roomId, "After", "txn")).toBe(eventId);
  });

  test("end for good, and nobody else's do", async () => {
    const homeserver = await start();
    const [alice, bob] = [await User.register(homeserver), await User.register(homeserver)];
    homeserver.logOut(alice.userId);
    const refused = { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", soft_logout: false } };
    expect(await alice.get("/account/whoami")).toMatchObject(refused);
    expect(await bob.get("/account/whoami")).toMatchObject({ status: 200 });
  });

  test.each([
    "expireAccessTokens",
    "softLogOut",
    "logOut",
    "lockUser",
    "unlockUser",
    "suspendUser",
    "unsuspendUser",
    "signOnAs",
  ] as const)("of nobody are refused to %s(), with a user ID to go by", async (method) => {
    const homeserver = await start({ singleSignOn: true, serverName: "example.org" });
    homeserver.register("bot", "secret");
    expect(() => homeserver[method]("bot")).toThrow(/^Cannot .* "bot": .*"@bot:example\.org".*register\(/);
    expect(() => homeserver[method]("@bot:example.org")).not.toThrow();
  });

  test("are not started by a login token that is too old", async () => {
    const env = new SimulatedEnv();
    const homeserver = await start({ env });
    const user = await User.register(homeserver);
    const { body } = await user.post("/_matrix/client/v1/login/get_token");
    expect(body).toMatchObject({ expires_in_ms: 300_000 });
    env.advance(300_000);
    const token: unknown = Reflect.get(Object(body), "login_token");
    const reply = await request(homeserver, "POST", "/login", { body: { type: "m.login.token", token } });
    expect(reply).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
  });
});

describe("intercepting", () => {
  const sync = "/_matrix/client/v3/sync";

  test("answers in the homeserver's place until it is removed", async () => {
    const homeserver = await start();
    const user = await User.register(homeserver);
    const remove = homeserver.intercept(sync, (_, response) => {
      response.writeHead(502, { "Content-Type": "text/html" }).end("<h1>Bad gateway</h1>");
    });
    const response = await fetch(homeserver.url + sync);
    expect([response.status, await response.text()]).toEqual([502, "<h1>Bad gateway</h1>"]);
    expect(await user.get("/account/whoami")).toMatchObject({ status: 200 });
    remove();
    remove();
    expect(await user.get("/sync")).toMatchObject({ status: 200 });
  });

  test("passes requests on, body and all, and sees what comes of them", async () => {
    const homeserver = await start();
    const user = await User.register(homeserver);
    const roomId = await user.createRoom();
    const statuses: number[] = [];
    const send = "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}";
    homeserver.intercept(send, async (_, response, pass) => {
      await pass();
      statuses.push(response.statusCode);
    });
    await user.send(roomId, "Hello");
    expect(textsOf(joined(await user.sync(), roomId).timeline.events)).toEqual(["Hello"]);
    expect(statuses).toEqual([200]);
  });

  test("asks the newest first, which may pass to the older ones", async () => {
    const homeserver = await start();
    const asked: string[] = [];
    homeserver.intercept(/versions$/, async (_request, _response, pass) => {
      asked.push("older");
      await pass();
    });
    homeserver.intercept("/_matrix/client/versions", async (_request, _response, pass) => {
      asked.push("newer");
      await pass();
    });
    expect(await request(homeserver, "GET", "/_matrix/client/versions")).toMatchObject({ status: 200 });
    expect(asked).toEqual(["newer", "older"]);
  });

  const answerNothing: Interceptor = () => undefined;

  test.each<[what: string, path: unknown, interceptor: unknown, wayOut: RegExp]>([
    ["a path without its slash", "v3/login", answerNothing, /"v3\/login".*begins with "\/"/],
    ["an empty path", "", answerNothing, /"".*begins with "\/"/],
    ["a URL", "http://localhost/_matrix", answerNothing, /begins with "\/"/],
    ["no path", undefined, answerNothing, /undefined.*regular expression/],
    ["a number for a path", 7, answerNothing, /7.*regular expression/],
    ["no interceptor", "/a", undefined, /undefined.*function/],
    ["an answer for an interceptor", "/a", { status: 200 }, /object.*function/],
    ["a fault that was not called", "/a", faults.serverError, /faults\.serverError\(/],
    ["another fault that was not called", /a/, faults.times, /faults\.times\(/],
  ])("takes not %s", async (_, target, interceptor, wayOut) => {
    const homeserver = await start();
    const intercept = (): unknown =>
      Reflect.apply(homeserver.intercept.bind(homeserver), undefined, [target, interceptor]);
    expect(intercept).toThrow(TypeError);
    expect(intercept).toThrow(wayOut);
  });

  test("leaves browsers' preflights alone, and lets browsers read what is answered", async () => {
    const homeserver = await start();
    homeserver.intercept(sync, (_, response) => {
      response.writeHead(429).end("{}");
    });
    expect((await fetch(homeserver.url + sync, { method: "OPTIONS" })).status).toBe(204);
    const response = await fetch(homeserver.url + sync);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });

  test("keeps a client waiting that is neither answered nor passed on, until the end", async () => {
    const homeserver = await FakeHomeserver.start();
    homeserver.intercept(sync, () => undefined);
    const outcome = fetch(homeserver.url + sync)
      .then(() => "answered")
      .catch(() => "cut off");
    await expect.poll(() => homeserver.requests.length).toBe(1);
    await homeserver.close();
    expect(await outcome).toBe("cut off");
  });

  test("answers an error of the interceptor as a 500, with the reason", async () => {
    const homeserver = await start();
    homeserver.intercept(sync, () => {
      throw new Error("Expected 1 to be 2");
    });
    const reply = await request(homeserver, "GET", "/sync");
    expect(reply).toMatchObject({ status: 500, body: { error: "Internal server error: Expected 1 to be 2" } });
  });
});

describe("a long poll", () => {
  test("is dropped whose client has gone before an interceptor passes it on", async () => {
    const env = new SimulatedEnv();
    const homeserver = await start({ env });
    const user = await User.register(homeserver);
    const { next_batch: since } = await user.sync();
    const client = new AbortController();
    let isOver = false;
    homeserver.intercept("/_matrix/client/v3/sync", async (_, response, pass) => {
      client.abort();
      await once(response, "close");
      await pass();
      isOver = true;
    });
    const options = { signal: client.signal };
    expect(await user.get(`/sync?since=${since}&timeout=60000`, options).catch(() => "aborted")).toBe("aborted");
    await expect.poll(() => isOver).toBe(true);
    expect(env.pendingTimers).toBe(0);
  });
});

describe("recording", () => {
  test("keeps what a client has asked for, in order", async () => {
    const homeserver = await start();
    const headers = { "user-agent": "test/1", "x-other": "not kept" };
    await request(homeserver, "GET", "/_matrix/client/versions", { headers });
    await request(homeserver, "PUT", `${path`/rooms/${"!a/b"}`}/send/m.x/1?a=b`, { accessToken: "token", body: {} });
    expect(homeserver.requests).toMatchObject([
      { method: "GET", path: "/_matrix/client/versions", headers: { "user-agent": "test/1" } },
      {
        method: "PUT",
        path: "/_matrix/client/v3/rooms/!a%2Fb/send/m.x/1",
        query: new URLSearchParams({ a: "b" }),
        headers: { authorization: "Bearer token", "content-type": expect.stringContaining("text/plain") },
      },
    ]);
    expect(homeserver.requests[0]?.headers).not.toHaveProperty("x-other");
    expect(homeserver.requests[0]?.headers).not.toHaveProperty("authorization");
  });

  const target = "/_matrix/client/v3/anything";

  describe.each<[string, Interceptor | undefined]>([
    ["the homeserver", undefined],
    ["an interceptor that passes", async (_request, _response, pass) => pass()],
    ["an interceptor that reads nothing", (_request, response) => void response.end("{}")],
    [
      "an interceptor that reads",
      async (request_, response) => {
        for await (const chunk of request_) void chunk;
        response.end("{}");
      },
    ],
    [
      "an interceptor that reads and passes",
      async (request_, _response, pass) => {
        for await (const chunk of request_) void chunk;
        await pass();
      },
    ],
  ])("what %s answers", (_name, interceptor) => {
    test.each<[unknown, string]>([
      [{ body: "Hello", list: [1, null] }, '{"body":"Hello","list":[1,null]}'],
      ["text", '"text"'],
      [null, "null"],
      [{ long: "x".repeat(900_000) }, JSON.stringify({ long: "x".repeat(900_000) })],
      [undefined, "no JSON"],
      [undefined, ""],
      [undefined, `"${"x".repeat(3_000_000)}"`],
    ])("keeps %.20j", async (body, text) => {
      const homeserver = await start();
      if (interceptor) homeserver.intercept(target, interceptor);
      await request(homeserver, "POST", target, { text });
      expect(homeserver.requests.map((recorded) => recorded.body)).toEqual([body]);
    });

    test("keeps what comes in pieces, and keeps the connection", async () => {
      const homeserver = await start();
      if (interceptor) homeserver.intercept(target, interceptor);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (const isReused of [false, true, true]) {
        const sent = httpRequest(homeserver.url + target, { agent, method: "PUT" });
        sent.write('{"a":');
        await setTimeout(5);
        sent.end("1}");
        const [response] = await once(sent, "response");
        for await (const chunk of response) void chunk;
        expect(sent.reusedSocket).toBe(isReused);
      }
      agent.destroy();
      expect(homeserver.requests.map(({ body }) => body)).toEqual([{ a: 1 }, { a: 1 }, { a: 1 }]);
    });
  });

  test.each(["", "Hello", "x".repeat(900_000), "x".repeat(3_000_000)])(
    "leaves the body to an interceptor: %.5s",
    async (text) => {
      const homeserver = await start();
      homeserver.intercept(target, async (request_, response) => {
        const chunks: Buffer[] = [];
        request_.on("data", (chunk: Buffer) => chunks.push(chunk));
        await once(request_, "end");
        response.end(JSON.stringify(Buffer.concat(chunks).toString()));
      });
      const { body } = await request(homeserver, "POST", target, { text });
      expect(body === text).toBe(true);
    },
  );

  test("keeps a request whose client goes away before it is whole, without a body", async () => {
    const homeserver = await start();
    const user = await User.register(homeserver);
    let isAsked = false;
    homeserver.intercept(target, () => void (isAsked = true));
    const sent = httpRequest(homeserver.url + target, { method: "PUT" });
    sent.on("error", () => undefined);
    sent.write('{"a":');
    await expect.poll(() => homeserver.requests.length).toBe(2);
    sent.destroy();
    await setTimeout(20);
    expect(await user.get("/account/whoami")).toMatchObject({ status: 200 });
    expect(homeserver.requests[1]).toMatchObject({ method: "PUT", body: undefined });
    expect(isAsked).toBe(false);
  });
});

describe("a simulated world", () => {
  test("makes the same IDs, tokens and times again", async () => {
    const run = async (): Promise<unknown[]> => {
      const homeserver = await start({ env: new SimulatedEnv() });
      const auth = { type: "m.login.dummy" };
      const body = { username: "alice", password: "secret", auth };
      const registered = await request(homeserver, "POST", "/register", { body });
      const accessToken: unknown = Reflect.get(Object(registered.body), "access_token");
      const options = { accessToken: String(accessToken) };
      const room = await request(homeserver, "POST", "/createRoom", { ...options, body: { name: "Same" } });
      const synced = await request(homeserver, "GET", "/sync", options);
      return [registered.body, room.body, synced.body];
    };
    expect(await run()).toEqual(await run());
  });

  test("has the time of its clock on every event", async () => {
    const env = new SimulatedEnv();
    const homeserver = await start({ env });
    const user = await User.register(homeserver);
    const roomId = await user.createRoom();
    const sentAt = env.now();
    await user.send(roomId, "Hello");
    env.advance(5000);
    const event = joined(await user.sync(), roomId).timeline.events.at(-1);
    expect(event).toMatchObject({ origin_server_ts: sentAt, unsigned: { age: 5000 } });
  });

  test("ends a long poll when its clock says so", async () => {
    const env = new SimulatedEnv();
    const homeserver = await start({ env });
    const user = await User.register(homeserver);
    const { next_batch: since } = await user.sync();
    let isOver = false;
    const poll = user.sync({ since, timeoutMs: 30_000 }).finally(() => (isOver = true));
    await untilPolling(env);
    env.advance(29_999);
    await user.get("/account/whoami");
    expect(isOver).toBe(false);
    env.advance(1);
    expect((await poll).rooms).toBeUndefined();
  });
});

test("however a client syncs, it gets every event once and in order", { timeout: 20_000 }, async () => {
  const homeserver = await start();
  const [alice, bob] = [await User.register(homeserver), await User.register(homeserver)];
  const steps = fc.array(
    fc.record({ sent: fc.nat(15), limit: fc.integer({ min: 1, max: 12 }), page: fc.integer({ min: 1, max: 6 }) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      const roomId = await alice.createRoom({ preset: "public_chat" });
      await bob.join(roomId);
      let { next_batch: since } = await bob.sync();
      let sent = 0;
      const received: unknown[] = [];
      for (const { sent: count, limit, page } of plan) {
        await alice.sendNumbers(roomId, sent + 1, sent + count);
        sent += count;
        const synced = await bob.sync({ since, room: { rooms: [roomId], timeline: { limit } } });
        const timeline = synced.rooms?.join?.[roomId]?.timeline;
        const texts = textsOf(timeline?.events ?? []);
        let from = timeline?.limited === true ? timeline.prev_batch : undefined;
        while (from !== undefined) {
          const { chunk, end } = await bob.messages(roomId, { dir: "b", from, to: since, limit: String(page) });
          texts.unshift(...textsOf(chunk).toReversed());
          from = end;
        }
        received.push(...texts);
        since = synced.next_batch;
      }
      expect(received).toEqual(Array.from({ length: sent }, (_, i) => String(i + 1)));
    }),
    { numRuns: 8 },
  );
});
