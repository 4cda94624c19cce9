import { inspect } from "node:util";
import { FakeHomeserver } from "@mx/testing";
import { describe, expect, it, vi } from "vitest";
import type { Callbacks } from "./callbacks.js";
import { ClientClosedError, NotLoggedInError } from "./errors.js";
import type { AuthenticationChallenge, AuthenticationStage } from "./interactive.js";
import { closing } from "./testing/closing.js";
import { describeOnHomeservers, logIn, openClient, type Person, startFake } from "./testing/homeservers.js";

type Authenticate = NonNullable<Callbacks["authenticate"]>;

function passwordOf({ userId, password }: Person): AuthenticationStage {
  return { type: "m.login.password", identifier: { type: "m.id.user", user: userId }, password };
}

describeOnHomeservers("callbacks.authenticate", (homeserver) => {
  const change = { body: { new_password: "next-password-1" } };

  it("is asked when a request needs it, and told all that it has to know", async () => {
    const person = await homeserver.register("alice");
    const authenticate = vi.fn<Authenticate>(() => passwordOf(person));
    const client = await openClient(homeserver, { callbacks: { authenticate } });
    await client.login(person);
    await client.request("POST", "v3/account/password", change);
    const other = await openClient(homeserver);
    await other.login({ user: person.user, password: change.body.new_password });
    expect(authenticate.mock.calls).toEqual([
      [
        {
          method: "POST",
          endpoint: "v3/account/password",
          userId: person.userId,
          flows: [{ stages: ["m.login.password"] }],
          completed: [],
          params: {},
          session: expect.any(String) as string,
          errcode: undefined,
          error: undefined,
        },
      ],
    ]);
  });

  it("is told why its answer was not accepted, and may give up", async () => {
    const person = await homeserver.register("alice");
    const asked: AuthenticationChallenge[] = [];
    const authenticate = (challenge: AuthenticationChallenge): AuthenticationStage | undefined => {
      asked.push(challenge);
      return asked.length === 1 ? passwordOf({ ...person, password: "wrong" }) : undefined;
    };
    const client = await openClient(homeserver, { callbacks: { authenticate } });
    await client.login(person);
    const changing = client.request("POST", "v3/account/password", change);
    await expect(changing).rejects.toMatchObject({ name: "MatrixError", status: 401, errcode: "M_FORBIDDEN" });
    expect(asked.map(({ errcode }) => errcode)).toEqual([undefined, "M_FORBIDDEN"]);
    expect(asked[1]?.session).toBe(asked[0]?.session);
    expect(await client.isLoggedIn()).toBe(true);
  });

  it("may be missing: then the refusal is what the caller sees", async () => {
    const { client } = await logIn(homeserver, "alice");
    await expect(client.request("POST", "v3/account/password", change)).rejects.toMatchObject({
      name: "MatrixError",
      status: 401,
      data: { flows: [{ stages: ["m.login.password"] }] },
    });
    expect(await client.isLoggedIn()).toBe(true);
  });
});

describe("interactive authentication", () => {
  const passwordPath = "/_matrix/client/v3/account/password";
  const change = { body: { new_password: "next" } };

  /** Somebody whose homeserver asks for stages at a change of password. */
  async function someone(
    authenticate: Authenticate | undefined,
    answers: readonly object[],
  ): Promise<Awaited<ReturnType<typeof logIn>> & { readonly bodies: unknown[] }> {
    const fake = await startFake();
    const bodies: unknown[] = [];
    const person = await logIn(fake, "alice", { callbacks: { ...(authenticate && { authenticate }) } });
    fake.intercept(passwordPath, (_, response) => {
      bodies.push(fake.requests.at(-1)?.body);
      response.writeHead(401).end(JSON.stringify(answers[Math.min(bodies.length, answers.length) - 1]));
    });
    return { ...person, bodies };
  }

  it("goes from stage to stage in one session, with the body of the request", async () => {
    const flows = [{ stages: ["m.login.terms", "m.login.password"] }];
    const asked: (readonly string[])[] = [];
    const { client, bodies } = await someone(
      ({ completed, params }) => {
        asked.push(completed);
        expect(params).toEqual({ "m.login.terms": { policies: {} } });
        if (completed.length === 2) return undefined;
        return completed.length === 1 ? { type: "m.login.password", password: "x" } : {};
      },
      [
        { session: "S", flows, params: { "m.login.terms": { policies: {} } } },
        { session: "S", flows, params: { "m.login.terms": { policies: {} } }, completed: ["m.login.terms"] },
        { session: "S", flows, params: { "m.login.terms": { policies: {} } }, completed: flows[0]?.stages },
      ],
    );
    await expect(client.request("POST", "v3/account/password", change)).rejects.toMatchObject({ status: 401 });
    expect(asked).toEqual([[], ["m.login.terms"], ["m.login.terms", "m.login.password"]]);
    expect(bodies).toEqual([
      { new_password: "next" },
      { new_password: "next", auth: { session: "S" } },
      { new_password: "next", auth: { type: "m.login.password", password: "x", session: "S" } },
    ]);
  });

  it("ends after ten answers that get no further, however the homeserver asks", async () => {
    const authenticate = vi.fn(() => ({ type: "m.login.password" }));
    const flows = [{ stages: ["m.login.terms", "m.login.password"] }];
    const asks = { session: "S", flows, params: {} };
    const { client, bodies } = await someone(authenticate, [
      asks,
      asks,
      asks,
      { ...asks, completed: ["m.login.terms"] },
      asks,
    ]);
    await expect(client.request("POST", "v3/account/password", change)).rejects.toMatchObject({ status: 401 });
    expect(authenticate).toHaveBeenCalledTimes(3 + 10);
    expect(bodies).toHaveLength(1 + 3 + 10);
  });

  const dummies = [{ stages: ["m.login.dummy"] }];
  const long = [{ stages: Array.from({ length: 30 }, (_, index) => `org.example.${index}`) }];

  it.each([
    [
      "tells of stages that nobody has to take",
      (time: number) => ({ session: "S", flows: dummies, completed: Array(time).fill("a") }),
      1,
    ],
    ["begins anew each time", (time: number) => ({ session: `S${time}`, flows: dummies }), 10],
    [
      "has further stages each time",
      (time: number) => ({
        session: `S${time}`,
        flows: [{ stages: [...Array.from({ length: time }, (_, index) => `a.${index}`), "m.login.dummy"] }],
        completed: Array.from({ length: time }, (_, index) => `a.${index}`),
      }),
      10,
    ],
    [
      "has many stages",
      (time: number) => ({
        session: `S${time}`,
        flows: [...dummies, ...long],
        completed: long[0]?.stages.slice(0, time),
      }),
      10,
    ],
  ])("makes no more than ten requests that nobody is asked about, when the homeserver %s", async (_, answer, most) => {
    const { client, bodies } = await someone(
      undefined,
      Array.from({ length: 100 }, (__, time) => answer(time)),
    );
    await expect(client.request("POST", "v3/account/password", change)).rejects.toMatchObject({ status: 401 });
    expect(bodies).toHaveLength(1 + most);
  });

  const some = (count: number) => Array.from({ length: count }, (_, index) => `a.${index}`);

  it.each([
    ["stages that come later", (time: number) => ({ flows: [{ stages: some(time + 9) }], completed: some(time) }), 2],
    [
      "one stage many times",
      (time: number) => ({ flows: [{ stages: some(2) }], completed: Array(time).fill("a.0") }),
      1,
    ],
  ])("does not take %s for progress", async (_, answer, progress) => {
    const authenticate = vi.fn(() => ({}));
    const first = { session: "S", flows: [{ stages: some(2) }] };
    const next = Array.from({ length: 100 }, (__, index) => ({ session: "S", ...answer(index + 1) }));
    const { client } = await someone(authenticate, [first, ...next]);
    await expect(client.request("POST", "v3/account/password", change)).rejects.toMatchObject({ status: 401 });
    expect(authenticate).toHaveBeenCalledTimes(progress + 10);
  });

  it.each([
    [[{ stages: ["m.login.dummy"] }], undefined, 2],
    [[{ stages: ["m.login.email.identity"] }, { stages: ["m.login.dummy"] }], undefined, 2],
    [[{ stages: ["m.login.email.identity", "m.login.dummy"] }], undefined, 1],
    [[{ stages: ["m.login.dummy"] }], () => undefined, 2],
    [[{ stages: ["m.login.email.identity"] }, { stages: ["m.login.dummy"] }], () => undefined, 1],
  ])(
    "takes the dummy stage by itself when there is nothing to choose: %j with %o",
    async (flows, callback, requests) => {
      const { client, bodies } = await someone(callback, [
        { session: "S", flows },
        { session: "S", flows, errcode: "M_UNKNOWN", error: "No" },
      ]);
      await expect(client.request("POST", "v3/account/password", change)).rejects.toMatchObject({ status: 401 });
      expect(bodies).toHaveLength(requests);
    },
  );

  it("is left to a caller who has an answer", async () => {
    const authenticate = vi.fn();
    const { client, bodies } = await someone(authenticate, [{ session: "S", flows: [{ stages: ["m.login.dummy"] }] }]);
    const body = { ...change.body, auth: { type: "m.login.dummy" } };
    await expect(client.request("POST", "v3/account/password", { body })).rejects.toMatchObject({ status: 401 });
    expect(bodies).toEqual([body]);
    expect(authenticate).not.toHaveBeenCalled();
  });

  it("is nothing that an endpoint can ask for that is only read", async () => {
    const authenticate = vi.fn();
    const fake = await startFake();
    const { client } = await logIn(fake, "alice", { callbacks: { authenticate } });
    fake.intercept(/whoami/, (_, response) => void response.writeHead(401).end('{"flows":[{"stages":["a"]}]}'));
    await expect(client.whoami()).rejects.toMatchObject({ status: 401 });
    expect(authenticate).not.toHaveBeenCalled();
  });

  it.each([
    [
      "no stages",
      '{"flows":[{},null,7,{"stages":"m.login.dummy"},{"stages":[7]}],"completed":7,"params":[],"session":7}',
    ],
    ["no flow", '{"flows":[],"completed":null}'],
  ])("makes a challenge of %s without a wrong type in it (threat 9)", async (_, body) => {
    const authenticate = vi.fn<Authenticate>(() => undefined);
    const { client } = await someone(authenticate, [JSON.parse(body) as object]);
    await expect(client.request("POST", "v3/account/password", change)).rejects.toMatchObject({ status: 401 });
    const [challenge] = authenticate.mock.calls[0] ?? [];
    expect(challenge).toMatchObject({ completed: [], params: {}, session: undefined });
    for (const { stages } of challenge?.flows ?? []) expect(stages).toEqual([]);
  });

  it.each([null, "secret", ["secret"]])("refuses the answer %j without saying it (threat 4)", async (answer) => {
    const { client } = await someone(() => answer as never, [{ session: "S", flows: [{ stages: ["a"] }] }]);
    const error: unknown = await client
      .request("POST", "v3/account/password", change)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain("callbacks.authenticate has not answered with an object");
    expect(inspect(error)).not.toContain("secret");
  });

  it("tells neither the application nor who reads its errors a token or a password (threat 4)", async () => {
    const storage = new Map<string, unknown>();
    const fake = await startFake();
    const asked: AuthenticationChallenge[] = [];
    const authenticate = (challenge: AuthenticationChallenge): AuthenticationStage | undefined => {
      asked.push(challenge);
      return asked.length === 1 ? { type: "m.login.password", password: "hunter2-secret" } : undefined;
    };
    const { client } = await logIn(fake, "alice", { storage: () => storage, callbacks: { authenticate } });
    const { accessToken, refreshToken } = storage.get("client/=session") as Record<string, string>;
    const error: unknown = await client
      .request("POST", "v3/account/password", change)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "MatrixError" });
    for (const seen of [...asked, error, client]) {
      const text = inspect(seen, { depth: 20, showHidden: true }) + JSON.stringify(seen);
      for (const secret of [accessToken, refreshToken, "hunter2-secret"]) expect(text).not.toContain(secret);
    }
  });

  it("waits as long as it takes: for longer than the deadline, and than the access token lives", async () => {
    const fake = closing(await FakeHomeserver.start());
    const { userId } = fake.register("alice", "x");
    const authenticate = async (): Promise<AuthenticationStage> => {
      fake.expireAccessTokens(userId);
      await new Promise((resolve) => {
        setTimeout(resolve, 120);
      });
      return passwordOf({ user: "alice", userId, password: "x" });
    };
    const client = await openClient(fake, { callbacks: { authenticate } });
    await client.login({ user: "alice", password: "x" });
    await client.request("POST", "v3/account/password", { ...change, timeoutMs: 100 });
    const other = await openClient(fake);
    await other.login({ user: "alice", password: "next" });
  });

  it("is waited for until the client is closed, the session is over, or the caller has enough", async () => {
    const flows = [{ stages: ["m.login.password"] }];
    for (const [how, reason] of [
      ["close", ClientClosedError],
      ["logout", NotLoggedInError],
      ["abort", "enough"],
    ] as const) {
      const authenticate = vi.fn(() => new Promise<undefined>(() => {}));
      const { client } = await someone(authenticate, [{ session: "S", flows }]);
      const caller = new AbortController();
      const waiting = client.request("POST", "v3/account/password", { ...change, signal: caller.signal });
      const rejected = expect(waiting).rejects.toThrow(reason);
      await vi.waitFor(() => expect(authenticate).toHaveBeenCalled());
      if (how === "close") await client.close();
      if (how === "logout") await client.logout();
      if (how === "abort") caller.abort(new Error("enough"));
      await rejected;
    }
  });
});
