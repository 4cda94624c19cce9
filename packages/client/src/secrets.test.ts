import { tracingChannel } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text as textOf } from "node:stream/consumers";
import { inspect } from "node:util";
import { memoryStorage, type Storage, type StorageValue, toStorage, type Transaction } from "@mx/storage";
import { FakeHomeserver, faults, type Interceptor, systemEnv } from "@mx/testing";
import { Keyv } from "keyv";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Callbacks } from "./callbacks.js";
import { Client, type ClientOptions } from "./client.js";
import { discover } from "./discover.js";
import { endpoint } from "./endpoint.js";
import type { Env } from "./env.js";
import { ConnectionError } from "./errors.js";
import type { Fetch, FetchInit } from "./fetch.js";
import { EventReceived, SyncFailed } from "./messages.js";
import { redactorFor } from "./secrets.js";
import { marker, secretsShownBy } from "./testing/secret-search.js";

// Each secret has the marker in its middle, and around it what JSON escapes, URLs escape, and expressions mistake.
const password = `p"a\\s s%$&${marker}pass\u00fc\n`;
const newPassword = `n"e\\w%$1${marker}new`;
const wrongPassword = `w"r\\ong%${marker}wrong`;
/** One that a program could take for a name. */
const dottedPassword = `correct.${marker}.staple`;
const loginToken = `l"o\\gin%${marker}token`;
const registrationToken = `${marker}-registration`;
const givenAccessToken = `given%$&\\${marker}access`;
const givenRefreshToken = `given%$&\\${marker}refresh`;

let fake: FakeHomeserver;
/** Every request as it came: all but the `Authorization` header and the body. */
const asked: unknown[] = [];
/** What was thrown, published, returned or told on the channel, and where. */
let told: (readonly [where: string, value: unknown])[] = [];
/** What came out of the process. */
let logged: unknown[] = [];
let users = 0;

beforeAll(async () => {
  // Letters of one case only, so that no ID is a secret by chance.
  const env = { ...systemEnv, random: () => (systemEnv.random() * 26) / 64 };
  fake = await FakeHomeserver.start({ env, registrationTokens: [registrationToken] });
  fake.register("alice", password);
  fake.intercept(/^/, (request, _response, pass) => {
    const { authorization: _secret, ...headers } = request.headers;
    asked.push({ url: request.url, headers, trailers: request.rawTrailers });
    return pass();
  });
});
afterAll(() => fake.close());

const consoles = ["log", "info", "debug", "warn", "error", "trace", "dir"] as const;
const { start, end, asyncStart, asyncEnd, error: failed } = tracingChannel("mx.client.request");
const channels = [start, end, asyncStart, asyncEnd, failed];

beforeEach(() => {
  told = [];
  logged = [];
  const log = (...values: unknown[]): boolean => logged.push(...values) > 0;
  for (const name of consoles) vi.spyOn(console, name).mockImplementation(log);
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, "write").mockImplementation(log);
  const { stackTraceLimit } = Error;
  // Looking up the sources of long stacks takes longer than all else here.
  Error.stackTraceLimit = 2;
  const listener = (context: unknown): void => void told.push(["on the channel", context]);
  process.on("warning", log);
  for (const channel of channels) channel.subscribe(listener);
  return () => {
    Error.stackTraceLimit = stackTraceLimit;
    vi.restoreAllMocks();
    process.off("warning", log);
    for (const channel of channels) channel.unsubscribe(listener);
  };
});

function expectNoSecret(): void {
  const once = [...new Map(told.map((each) => [each[1], each])).values()];
  const leaks = once.flatMap(([where, value]) => secretsShownBy(value).map((text) => `${where}: ${text}`));
  // A few tell enough.
  expect([...new Set(leaks)].slice(0, 4)).toEqual([]);
  expect(logged.flatMap(secretsShownBy).slice(0, 4)).toEqual([]);
}

/** A world in which attempts follow each other at once, and only a few of them; a deadline is what it is told to be. */
function briskEnv(deadlineMs: number, onPause: () => void): Pick<Env, "setTimeout" | "monotonicMs"> {
  let now = 0;
  return {
    monotonicMs: () => now,
    setTimeout(callback, delayMs) {
      const isDeadline = delayMs >= 10_000;
      return setTimeout(
        () => {
          now += 1000 * delayMs;
          if (!isDeadline) onPause();
          callback();
        },
        isDeadline ? deadlineMs : 0,
      );
    },
  };
}

/** What everything is done with, once for each thing that goes wrong. */
interface Trouble {
  readonly interceptor?: Interceptor;
  readonly fetch?: Fetch;
  readonly deadlineMs?: number;
  readonly callbacks?: Callbacks;
  readonly storageOf?: (values: Map<string, unknown>) => ClientOptions["storage"];
}

interface Scene {
  readonly client: Client;
  readonly userId: string;
  /** Aborted with the first pause between two attempts. */
  readonly paused: AbortSignal;
  readonly env: Partial<Env>;
}

interface Operation {
  /** What the client's storage holds before. */
  readonly session: "none" | "shared" | "own" | "softly ended" | "due";
  readonly run: (scene: Scene) => unknown;
}

const room = "!room:fake.test";
const identifier = { type: "m.id.user", user: "alice" } as const;
const wrongAuth = { type: "m.login.password", identifier, password: wrongPassword };

/** What such a request resolves with is what the homeserver says, as the application wants to have it. */
function requesting(...[method, path, options]: Parameters<Client["request"]>): Operation["run"] {
  return async ({ client }) => void (await client.request(method, path, options));
}

const inCircles: Record<string, unknown> = { password };
inCircles["body"] = inCircles;

const none: Record<string, Operation["run"]> = {
  "login by password": ({ client }) => client.login({ user: "alice", password }),
  "login by a wrong password": ({ client }) => client.login({ user: "alice", password: wrongPassword }),
  "login by a password like a name": ({ client }) => client.login({ user: "alice", password: dottedPassword }),
  "login by identifier": ({ client }) => client.login({ identifier, password }),
  "login by token": ({ client }) => client.login({ token: loginToken }),
  "login by access token": ({ client }) =>
    client.login({ accessToken: givenAccessToken, refreshToken: givenRefreshToken }),
  "login by an access token with a line break": ({ client }) => client.login({ accessToken: `a\n${marker}` }),
  "login by credentials of wrong types": ({ client }) =>
    client.login({ user: [password], password: { password } } as never),
  register: ({ client }) => client.register({ user: `new${++users}`, password }),
  "register by hand": requesting("POST", "v3/register", {
    authenticated: false,
    body: { password: newPassword, auth: { type: "m.login.registration_token", token: registrationToken } },
  }),
  loginFlows: ({ client }) => client.loginFlows(),
  ssoUrl: ({ client }) => client.ssoUrl("https://app.example/"),
  supports: ({ client }) => client.supports("threads"),
  discover: ({ env }) => discover(fake.url, { env }),
  "whoami without a session": ({ client }) => client.whoami(),
};

const shared: Record<string, Operation["run"]> = {
  whoami: ({ client }) => client.whoami(),
  identity: ({ client }) => client.identity(),
  url: ({ client }) => client.url(endpoint`v3/rooms/${room}/leave`, { from: "here" }),
  mediaUrl: ({ client }) => client.mediaUrl("mxc://example.org/abc"),
  "an endpoint": () => endpoint`v3/rooms/${room}/leave`,
  GET: requesting("GET", "v3/devices", { query: { from: "there" } }),
  PUT: requesting("PUT", "v3/devices/PHONE", { body: { display_name: "x", token: loginToken } }),
  POST: requesting("POST", "v3/keys/upload", { body: { secret: loginToken } }),
  DELETE: requesting("DELETE", endpoint`v3/devices/${"PHONE"}`, { body: { auth: wrongAuth } }),
  "no method": requesting("GET /", "v3/devices"),
  "a body in circles": requesting("POST", "v3/keys/upload", { body: inCircles }),
  "interactive authentication": requesting("POST", "v3/account/password", {
    body: { new_password: newPassword, logout_devices: false },
  }),
  sendText: ({ client }) => client.sendText(room, "Hello"),
  sendEvent: ({ client }) => client.sendEvent(room, "org.example", { password }),
  sendStateEvent: ({ client }) => client.sendStateEvent(room, "org.example", "", { token: loginToken }),
  createRoom: ({ client }) => client.createRoom({ name: "x" }),
  joinRoom: ({ client }) => client.joinRoom(room, { via: ["example.org"] }),
  leaveRoom: ({ client }) => client.leaveRoom(room),
  supports: ({ client }) => client.supports("m.change_password"),
  sync: ({ client, paused }) => client.sync({ signal: paused, timeoutMs: 0 }),
  "sync, with a subscriber that throws": ({ client, paused }) => {
    client.publisher.subscribe([SyncFailed, EventReceived], (message) => {
      throw Object.assign(new Error("no"), { message });
    });
    return client.sync({ signal: paused, timeoutMs: 0 });
  },
  "login when there is a session": ({ client }) => client.login({ user: "alice", password }),
  "close in the middle": ({ client }) => Promise.all([client.whoami(), client.close()]),
};

const own: Record<string, Operation["run"]> = {
  logout: ({ client }) => client.logout(),
  logoutAll: ({ client }) => client.logoutAll(),
};

const asAll = (runs: Record<string, Operation["run"]>, session: Operation["session"]): [string, Operation][] =>
  Object.entries(runs).map(([name, run]) => [name, { session, run }]);

const operations: readonly [name: string, operation: Operation][] = [
  ...asAll(none, "none"),
  ...asAll(shared, "shared"),
  ...asAll(own, "own"),
  ...asAll({ "login again": ({ client }) => client.whoami() }, "softly ended"),
  ...asAll({ refresh: ({ client }) => client.whoami() }, "due"),
];

const answering: Callbacks = {
  logInAgain: ({ userId }) => ({ user: userId, password }),
  authenticate: (challenge) => {
    told.push(["to the application", challenge]);
    return challenge.userId === undefined
      ? { type: "m.login.registration_token", token: registrationToken }
      : wrongAuth;
  },
};

/** What a client has stored that has logged in. */
async function storedOf(): Promise<{ userId: string; values: Map<string, unknown> }> {
  const user = `user${++users}`;
  const { userId } = fake.register(user, password);
  const values = new Map<string, unknown>();
  await using client = new Client({ storage: values, baseClientUrl: `${fake.url}/_matrix/client/` });
  await client.login({ user, password });
  return { userId, values };
}

/** Does all operations while there is trouble, and keeps what comes of it; resolves with how many have failed. */
async function doAll(trouble: Trouble): Promise<number> {
  const { interceptor, fetch, deadlineMs = 5000, callbacks = answering } = trouble;
  const { storageOf = (values) => values } = trouble;
  const everybody = await storedOf();
  const scenes = await Promise.all(
    operations.map(async ([name, { session, run }]) => {
      const isOwn = session === "own" || session === "softly ended" || session === "due";
      const { userId, values } = isOwn ? await storedOf() : everybody;
      const stored = session === "none" ? new Map<string, unknown>() : new Map(values);
      if (session === "softly ended") fake.softLogOut(userId);
      if (session === "due")
        stored.set("client/=session", { ...(stored.get("client/=session") as object), refreshAt: 0 });
      const pausing = new AbortController();
      const env = { ...briskEnv(deadlineMs, () => pausing.abort()), ...(fetch && { fetch }) };
      const storage = storageOf(stored);
      const client = new Client({ storage, baseClientUrl: `${fake.url}/_matrix/client/`, env, callbacks });
      client.publisher.subscribe(Object, (message) => void told.push([`published by ${name}`, message]));
      return { name, run, scene: { client, userId, paused: pausing.signal, env } };
    }),
  );
  const stop = interceptor ? fake.intercept(/^/, interceptor) : () => {};
  let failures = 0;
  await Promise.all(
    scenes.map(async ({ name, run, scene }) => {
      try {
        told.push([`returned by ${name}`, await run(scene)]);
      } catch (error) {
        failures++;
        told.push([`thrown by ${name}`, error]);
      }
      told.push([`the client of ${name}`, scene.client]);
    }),
  );
  stop();
  await Promise.all(
    scenes.map(({ scene }) => scene.client.close().catch((error: unknown) => told.push(["close", error]))),
  );
  return failures;
}

describe("no error shows a secret, and nothing that is published, logged or told", () => {
  const shortMs = 40;
  const withFaults: readonly [name: string, interceptor: Interceptor, deadlineMs?: number][] = [
    ["dropBeforeProcessing", faults.dropBeforeProcessing()],
    ["dropAfterProcessing", faults.dropAfterProcessing()],
    ["resetBeforeProcessing", faults.resetBeforeProcessing()],
    ["resetAfterProcessing", faults.resetAfterProcessing()],
    ["dropInBody", faults.dropInBody()],
    ["resetInBody", faults.resetInBody()],
    ["fallSilentBeforeProcessing", faults.fallSilentBeforeProcessing(), shortMs],
    ["fallSilentAfterProcessing", faults.fallSilentAfterProcessing(), shortMs],
    ["delayProcessing", faults.delayProcessing(100_000), shortMs],
    ["delayAnswer", faults.delayAnswer(100_000), shortMs],
    ["dribbleBody", faults.dribbleBody(5), shortMs],
    ["dribbleHeaders", faults.dribbleHeaders(5), shortMs],
    ["truncateBody", faults.truncateBody()],
    ["truncateGzip", faults.truncateGzip()],
    ["endlessBody", faults.endlessBody(), shortMs],
    ["largeBody", faults.largeBody(100_000)],
    ["largeErrorPage", faults.largeErrorPage(100_000)],
    ["gzipBomb", faults.gzipBomb(100_000)],
    ["gatewayError", faults.gatewayError()],
    ["serverError", faults.serverError()],
    ["rateLimited", faults.rateLimited({ retryAfter: "1" })],
    ["redirectTo", faults.redirectTo("http://127.0.0.1:9/else", 307)],
    ["answerWith 204", faults.answerWith(204)],
    ["answerWith null", faults.answerWith(200, "null")],
    ["answerWith {}", faults.answerWith(200, "{}")],
    ["times", faults.times(20, faults.gatewayError(503))],
    ["nothing wrong", (_request, _response, pass) => pass()],
  ];
  it.each(withFaults)("with the fault %s (threat 4)", async (name, interceptor, deadlineMs = 5000) => {
    const failures = await doAll({ interceptor, deadlineMs });
    expect(failures).toBeGreaterThan(name === "nothing wrong" || name === "times" ? 5 : 15);
    expectNoSecret();
  });

  /** Answers with what a request has said. */
  const echo =
    (answer: (heard: Heard, response: ServerResponse) => void): Interceptor =>
    async (request, response) =>
      answer(await hear(request), response);

  /** An answer in JSON that says what was heard, at each place at which an answer may say something. */
  const refusal =
    (status: number, more: (heard: Heard) => object = () => ({})) =>
    ({ texts, whole, ...heard }: Heard, response: ServerResponse): void => {
      const all = {
        errcode: "M_UNKNOWN",
        error: `You said ${whole}`,
        escaped: JSON.stringify(whole),
        twice: JSON.stringify(JSON.stringify(whole)),
        url: encodeURIComponent(whole),
        texts,
        nested: [{ texts: [[whole]] }],
        ...Object.fromEntries(texts.map((text) => [text, text])),
        ...Object.fromEntries(texts.map((text) => [`key ${JSON.stringify(text)}`, { [text]: 1 }])),
        ...more({ texts, whole, ...heard }),
      };
      response.statusCode = status;
      response.end(JSON.stringify(all));
    };
  const last = ({ texts }: Heard): string => texts.at(-1) ?? "";
  const echoes: readonly (readonly [string, Parameters<typeof echo>[0]])[] = [
    ...[400, 401, 403, 429, 500, 302].map((status) => [`says it in a refusal ${status}`, refusal(status)] as const),
    ["says it as an error code", refusal(403, ({ token, ...heard }) => ({ errcode: token || last(heard as Heard) }))],
    ["says it in an error code", refusal(403, (heard) => ({ errcode: `M_${heard.token || last(heard)}` }))],
    ["says it in the place of an error code", refusal(400, ({ texts }) => ({ errcode: texts }))],
    ["says it in a soft logout", refusal(401, () => ({ errcode: "M_UNKNOWN_TOKEN", soft_logout: true }))],
    ["says it in a logout", refusal(401, () => ({ errcode: "M_UNKNOWN_TOKEN" }))],
    [
      "says it in interactive authentication",
      refusal(401, ({ texts, whole }) => ({
        errcode: undefined,
        flows: [{ stages: texts }, { stages: ["m.login.registration_token"] }],
        completed: texts,
        params: { [whole]: { public_key: whole }, "m.login.terms": { policies: texts } },
        session: whole,
      })),
    ],
    ["says it in a 200 of a wrong shape", refusal(200, ({ whole }) => ({ user_id: [whole], flows: { whole } }))],
    ["says it in JSON that is text", ({ whole }, response) => response.end(JSON.stringify(whole))],
    ["says it in JSON that is cut", ({ whole }, response) => response.end(`{"error":${JSON.stringify(whole)}`)],
    ["says it in a page", ({ whole }, response) => response.writeHead(200).end(`<html>${whole}`)],
    ["says it in a page of a proxy", ({ whole }, response) => response.writeHead(502).end(`<html>${whole}`)],
    [
      "says it in its status and its headers",
      ({ token, whole }, response) =>
        response
          .writeHead(400, `Bad ${token}`, { "retry-after": token, "x-token": token, etag: encodeURIComponent(whole) })
          .end(),
    ],
    [
      "says it in a redirect",
      ({ whole }, response) => {
        const location = `http://${marker}.invalid/${encodeURIComponent(whole)}?${encodeURIComponent(whole)}`;
        response.writeHead(308, { location }).end(whole);
      },
    ],
    [
      "says it in what is not HTTP",
      ({ whole }, response) => {
        response.socket?.end(`HTTP/1.1 200 OK\r\nx ${whole}: y\r\n\r\n`);
      },
    ],
    [
      "says it as an encoding",
      ({ token }, response) => response.writeHead(200, { "content-encoding": token }).end("{"),
    ],
    [
      "says it instead of gzip",
      ({ whole }, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(whole),
    ],
  ];
  it.each(echoes)("with a homeserver that %s (threat 4)", async (_, answer) => {
    expect(await doAll({ interceptor: echo(answer) })).toBeGreaterThan(15);
    expectNoSecret();
  });

  const throwers: Readonly<Record<string, (url: string, init: FetchInit) => unknown>> = {
    "has it in its message": (url, init) => new Error(`${url} ${init.headers["authorization"]} ${init.body}`),
    "has it in its message, escaped": (url, init) => new Error(`failed: ${JSON.stringify({ url, ...init })}`),
    "has it in its message, escaped twice": (_, init) => new Error(JSON.stringify(JSON.stringify(init))),
    "has it in its message, in a URL": (_, init) => new Error(encodeURIComponent(JSON.stringify(init))),
    "has it in its message, as Node shows it": (_, init) => new Error(inspect(init)),
    "has it as its request": (url, init) =>
      Object.assign(new TypeError("fetch failed"), { config: { url, ...init }, request: { body: init.body }, init }),
    "has it as a hidden or symbolic property": (_, init) =>
      Object.defineProperties(new Error("failed"), {
        [Symbol("request")]: { value: init },
        hidden: { value: init, enumerable: false },
      }),
    "has it as its cause": (_, init) =>
      new Error("failed", { cause: new Error(init.body, { cause: { init, toString: () => init.body } }) }),
    "has it in one of its errors": (_, init) =>
      new AggregateError([Object.assign(new Error(init.headers["authorization"]), { init }), init], "all failed"),
    "has it as its name and its code": (_, { headers, body }) =>
      Object.assign(new Error("failed"), {
        name: headers["authorization"] ?? body,
        code: headers["authorization"] ?? body,
      }),
    "has an object as its code": (_, init) => Object.assign(new Error("failed"), { code: init, errno: init }),
    "has it in its stack": (_, { headers, body }) =>
      Object.assign(new Error("failed"), { stack: `Error\n at ${headers["authorization"]} ${body}` }),
    "has no text as its message": (_, init) => Object.assign(new Error("failed"), { message: init }),
    "is its own cause": (_, init) => {
      const error = Object.assign(new Error("failed"), { init });
      return Object.assign(error, { cause: error });
    },
    "is one of ours": (_, { headers, body }) =>
      new ConnectionError(`${headers["authorization"]} ${body}`, { cause: { headers, body } }),
    "is a text": (_, { headers, body }) => `${headers["authorization"]} ${body}`,
    "is the request itself": (_, init) => init,
    "is nothing": () => undefined,
    "is no text": (_, init) => Object.assign(Object.create(null) as object, { init }),
  };
  it.each(Object.entries(throwers))("with a fetch whose error %s (threat 4)", async (_, errorOf) => {
    // oxlint-disable-next-line typescript/only-throw-error -- there are such
    const fetch: Fetch = (url, init) => Promise.reject(errorOf(url, init));
    expect(await doAll({ fetch })).toBeGreaterThan(15);
    expectNoSecret();
  });

  const ofBodies = [
    "has it in its message, escaped",
    "has it as its request",
    "is one of ours",
    "is the request itself",
  ];
  it.each(ofBodies)("with a body that breaks, whose error %s (threat 4)", async (name) => {
    const fetch: Fetch = async (url, init) => ({
      status: 200,
      url,
      headers: { get: () => null },
      body: (async function* () {
        yield "{";
        throw throwers[name]?.(url, init);
      })(),
    });
    expect(await doAll({ fetch })).toBeGreaterThan(15);
    expectNoSecret();
  });

  const badStorages: readonly (readonly [string, Trouble["storageOf"]])[] = [
    ["a storage", (values) => failingStorage(values)],
    [
      "the store of a Keyv",
      (values) => async () => {
        const store = new Map<string, unknown>();
        const storage = toStorage(new Keyv({ store })).namespace("client");
        for (const [key, value] of values) await storage.set(key.slice("client/=".length), value as StorageValue);
        const set = (key: string, value: unknown): unknown => {
          if (secretsShownBy(value).length === 0) return Map.prototype.set.call(store, key, value);
          throw Object.assign(new Error(`INSERT ${key} ${String(value)}`), { sql: value, code: "ER_X" });
        };
        return new Keyv({ store: Object.assign(store, { set }) });
      },
    ],
  ];
  it.each(badStorages)("with %s that fails and says what it was to write (threat 4)", async (_, storageOf) => {
    if (storageOf) expect(await doAll({ storageOf })).toBeGreaterThan(3);
    expectNoSecret();
  });

  it("with callbacks that throw, or answer nonsense (threat 4)", async () => {
    const answers: readonly (() => unknown)[] = [
      () => {
        throw new Error("no");
      },
      () => Promise.reject(new Error("no")),
      () => password,
      () => ({ password }),
      () => ({ user: "somebody else", password }),
      () => ({ accessToken: `a b ${marker}` }),
      () => null,
    ];
    for (const answer of answers) {
      await doAll({ callbacks: { logInAgain: answer, authenticate: answer } as Callbacks });
    }
    expectNoSecret();
  });
});

interface Heard {
  /** The access token. */
  readonly token: string;
  /** Each text of the request. */
  readonly texts: readonly string[];
  readonly whole: string;
}

async function hear(request: IncomingMessage): Promise<Heard> {
  const body = await textOf(request);
  const texts = [request.headers.authorization ?? "", body];
  if (body !== "") {
    JSON.parse(body, (_key, value: unknown) => {
      if (typeof value === "string") texts.push(value);
    });
  }
  const token = request.headers.authorization?.slice("Bearer ".length) ?? "";
  return { token, texts: [token, ...texts], whole: `${request.rawHeaders.join(": ")} ${body} ${texts.join(" ")}` };
}

/** A storage that can write nothing that has a token in it, and says what it was. */
function failingStorage(values: Map<string, unknown>): Storage {
  const inner = memoryStorage();
  const wrapped = (storage: Storage): Storage =>
    new Proxy(storage, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (name === "namespace") return (child: string) => wrapped(target.namespace(child));
        if (name === "getMany") return async (keys: string[]) => keys.map((key) => values.get(`client/=${key}`));
        if (name === "transaction") {
          return async (change: (transaction: Transaction) => unknown): Promise<unknown> => {
            const written: unknown[] = [];
            const get = async (key: string): Promise<unknown> => values.get(`client/=${key}`);
            const set = (...entry: unknown[]): void => void written.push(entry);
            await change({ get, set, clear() {}, delete() {} } as unknown as Transaction);
            const text = JSON.stringify(written);
            if (secretsShownBy(text).length === 0) return undefined;
            throw Object.assign(new Error(`cannot write ${text}`, { cause: written }), { written, sql: text });
          };
        }
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  return wrapped(inner);
}

it("no URL and no header but Authorization ever held a secret (threat 3)", () => {
  expect(asked.length).toBeGreaterThan(500);
  expect(asked.flatMap(secretsShownBy)).toEqual([]);
});

it.each([
  ["password", "Invalid username or password"],
  ["user", "Invalid username or password"],
  ["a", "Invalid username or password"],
])("the password %j cannot be read off a well-known sentence that it was cut out of (threat 4)", (weak, sentence) => {
  const redact = redactorFor({ headers: {}, body: JSON.stringify({ password: weak }) });
  expect(redact(sentence)).toBe("<left out: it repeats a secret>");
  expect(redact(sentence)).toBe("<left out: it repeats a secret>");
  expect(redact("Too many tries")).toBe(weak === "a" ? "<left out: it repeats a secret>" : "Too many tries");
  expect(redact("m.login.password")).toBe("m.login.password");
  expect(redact("M_USER_DEACTIVATED")).toBe("M_USER_DEACTIVATED");
  expect(redact("ab-user-password", "id")).toBe(weak === "password" ? "ab-user-<secret>" : "ab-user-password");
});

it("A secret of any length is left out, in moments (threat 4)", () => {
  const secret = "s3cret/".repeat(5000);
  const redact = redactorFor({ headers: {}, body: JSON.stringify({ password: secret }) });
  const startedAt = performance.now();
  for (const text of [secret, `it is ${secret}!`, JSON.stringify(secret), encodeURIComponent(secret)]) {
    for (const kind of ["text", "id", "name"] as const) expect(redact(text, kind)).not.toContain("s3cret");
  }
  expect(redact("it is not there")).toBe("it is not there");
  expect(performance.now() - startedAt).toBeLessThan(1000);
});
