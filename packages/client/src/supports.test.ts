import { memoryStorage } from "@mx/storage";
import { describe, expect, it } from "vitest";
import { Client, type ClientOptions } from "./client.js";
import { ClientClosedError, ConnectionError, MatrixError, NotLoggedInError } from "./errors.js";
import { answerOf, kindOf } from "./features.js";
import { closing } from "./testing/closing.js";
import { heldStorage } from "./testing/held-storage.js";
import { describeOnHomeservers, logIn, openClient, startFake } from "./testing/homeservers.js";

const nested = "[".repeat(9000) + "]".repeat(9000);
const dayMs = 24 * 60 * 60 * 1000;

describeOnHomeservers("supports", (homeserver) => {
  it("knows versions, and features by name, without a session", async () => {
    const client = await openClient(homeserver);
    expect(await client.supports("v1.11")).toBe(true);
    expect(await client.supports("v1.99")).toBe(false);
    expect(await client.supports("authenticated-media")).toBe(true);
    expect(await client.supports("threads")).toBe(true);
    expect(await client.supports("use-state-after")).toBe(false);
    expect(await client.supports("org.example.unheard_of")).toBe(false);
  });

  it("knows capabilities with a session", async () => {
    const { client } = await logIn(homeserver, "alice");
    expect(await client.supports("m.change_password")).toBe(true);
    expect(await client.supports("m.room_versions")).toBe(true);
    expect(await client.supports("m.account_moderation")).toBe(false);
    expect(await client.supports("org.example.unheard_of")).toBe(false);
  });
});

/** What a homeserver says, which a test may change, and how often it has been asked. */
async function startTelling(options: Partial<ClientOptions> = {}) {
  const fake = await startFake();
  const told: { versions: unknown; capabilities: unknown; status: number } = {
    versions: { versions: ["v1.1", "v1.12"] },
    capabilities: { capabilities: {} },
    status: 200,
  };
  const clock = { now: 1_800_000_000_000, monotonicMs: 0 };
  const env: ClientOptions["env"] = {
    now: () => clock.now,
    monotonicMs: () => clock.monotonicMs,
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs / 100),
  };
  for (const [name, path] of [
    ["versions", "/_matrix/client/versions"],
    ["capabilities", "/_matrix/client/v3/capabilities"],
  ] as const) {
    fake.intercept(path, (_, response) => {
      const error = { errcode: "M_UNRECOGNIZED", error: "not now" };
      const answer = told.status === 200 ? told[name] : error;
      response.writeHead(told.status).end(typeof answer === "string" ? answer : JSON.stringify(answer));
    });
  }
  const asked = (name: string): number => fake.requests.filter(({ path }) => path.endsWith(`/${name}`)).length;
  const storage = memoryStorage();
  const baseClientUrl = `${fake.url}/_matrix/client/`;
  const open = (): Client => closing(new Client({ storage, baseClientUrl, env, ...options }));
  /** Another process, and a later time. */
  const openLater = (): Client => closing(new Client({ storage, env, ...options }));
  return { fake, told, clock, asked, storage, open, openLater };
}

describe("supports", () => {
  it.each(["versions", "capabilities"])("asks for the %s once, whoever wants to know", async (name) => {
    const { fake, asked, open } = await startTelling();
    const client = open();
    await client.login(await fake.register("alice"));
    const feature = name === "versions" ? "threads" : "m.change_password";
    const answers = await Promise.all([client.supports(feature), client.supports(feature), client.supports(feature)]);
    expect(answers).toEqual([true, true, true]);
    expect(await client.supports(feature)).toBe(true);
    expect(asked(name)).toBe(1);
  });

  it("asks nothing when discovery has just brought the versions, and again when they are a day old", async () => {
    const { told, clock, asked, fake, storage } = await startTelling();
    const found = { baseClientUrl: `${fake.url}/_matrix/client/`, versions: { versions: ["v1.3"] } };
    const env = { now: () => clock.now };
    const client = closing(new Client({ storage, ...found, versionsAskedAt: clock.now, env }));
    expect(await client.supports("threads")).toBe(false);
    clock.now += dayMs - 1;
    expect(await client.supports("threads")).toBe(false);
    expect(asked("versions")).toBe(0);
    told.versions = { versions: ["v1.4"] };
    clock.now += 1;
    expect(await client.supports("threads")).toBe(true);
    expect(await client.supports("threads")).toBe(true);
    expect(asked("versions")).toBe(1);
  });

  it("asks for versions of which it is not said when they were asked for", async () => {
    const { asked, open } = await startTelling({ versions: { versions: ["v1.1"] } });
    expect(await open().supports("threads")).toBe(true);
    expect(asked("versions")).toBe(1);
  });

  it("stores what it was told: a later client knows it without asking, offline too", async () => {
    const { fake, told, asked, open, openLater } = await startTelling();
    told.capabilities = { capabilities: { "m.change_password": { enabled: false } } };
    const client = open();
    await client.login(await fake.register("alice"));
    expect(await client.supports("threads")).toBe(true);
    expect(await client.supports("m.change_password")).toBe(false);
    await client.close();
    told.versions = { versions: ["v1.1"] };
    told.capabilities = { capabilities: {} };
    for (const later of [openLater(), openLater()]) {
      expect(await later.supports("threads")).toBe(true);
      expect(await later.supports("m.change_password")).toBe(false);
      await fake.close();
    }
    expect(asked("versions") + asked("capabilities")).toBe(2);
  });

  it("keeps the versions over a login, but not what another user was told", async () => {
    const { fake, told, asked, open } = await startTelling();
    told.capabilities = { capabilities: { "m.change_password": { enabled: false } } };
    const client = open();
    expect(await client.supports("threads")).toBe(true);
    await client.login(await fake.register("alice"));
    expect(await client.supports("m.change_password")).toBe(false);
    await client.logout();
    told.capabilities = { capabilities: { "m.change_password": { enabled: true } } };
    await client.login(await fake.register("bob"));
    expect(await client.supports("m.change_password")).toBe(true);
    expect(await client.supports("threads")).toBe(true);
    expect([asked("versions"), asked("capabilities")]).toEqual([1, 2]);
  });

  it("answers no client from what another one was told, who has logged in with its storage as somebody else", async () => {
    const { fake, told, asked, open } = await startTelling();
    const client = open();
    await client.login(await fake.register("alice"));
    const other = open();
    await other.logout();
    await other.login(await fake.register("bob"));
    told.capabilities = { capabilities: { "m.change_password": { enabled: false } } };
    expect(await other.supports("m.change_password")).toBe(false);
    told.capabilities = { capabilities: {} };
    expect((await client.identity())?.userId).toContain("alice");
    expect(await client.supports("m.change_password")).toBe(true);
    expect(await other.supports("m.change_password")).toBe(false);
    expect(asked("capabilities")).toBe(2);
  });

  it("does not give what it was told to a client of another homeserver that has taken its storage", async () => {
    const { open, storage } = await startTelling();
    const client = open();
    await client.isLoggedIn();
    const other = { baseClientUrl: "http://127.0.0.1:9/_matrix/client/" };
    await closing(new Client({ storage, ...other })).isLoggedIn();
    expect(await client.supports("threads")).toBe(true);
    expect(await storage.namespace("client").get("homeserver")).toEqual(other);
  });

  it("forgets all of it with another base URL", async () => {
    const { fake, open, storage } = await startTelling();
    const client = open();
    await client.login(await fake.register("alice"));
    await client.supports("threads");
    await client.supports("m.change_password");
    await client.close();
    const other = closing(new Client({ storage, baseClientUrl: "http://127.0.0.1:9/_matrix/client/" }));
    await other.isLoggedIn();
    expect(await storage.namespace("client").get("homeserver")).toEqual({
      baseClientUrl: "http://127.0.0.1:9/_matrix/client/",
    });
    expect(await storage.namespace("client").has("capabilities")).toBe(false);
  });

  type Telling = Awaited<ReturnType<typeof startTelling>>;
  const sayStatus =
    (status: number) =>
    ({ told }: Telling): void => {
      told.status = status;
    };
  const saySomething =
    (versions: unknown, capabilities: unknown) =>
    ({ told }: Telling): void => {
      told.versions = versions;
      told.capabilities = capabilities;
    };
  const padding = "x".repeat(65_536);
  const off = { "m.change_password": { enabled: false } };
  const failures: [string, (telling: Telling) => void | Promise<void>][] = [
    ["refuses", sayStatus(403)],
    ["fails", sayStatus(503)],
    ["answers nonsense", saySomething({ versions: {} }, { capabilities: [] })],
    ["answers more than 64 KiB", saySomething({ versions: ["v1.1"], padding }, { capabilities: off, padding })],
    ["is gone", ({ fake }) => fake.close()],
  ];
  describe.each(failures)("when the homeserver %s", (_, fail) => {
    it.each(["threads", "m.change_password"])(
      "answers about %s what it knew, and asks no more for a minute",
      async (feature) => {
        const telling = await startTelling();
        const { fake, clock, asked, open } = telling;
        const client = open();
        await client.login(await fake.register("alice"));
        expect(await client.supports(feature)).toBe(true);
        clock.now += 2 * dayMs;
        await fail(telling);
        const before = asked("versions") + asked("capabilities");
        for (let time = 1; time <= 3; time++) expect(await client.supports(feature)).toBe(true);
        const after = asked("versions") + asked("capabilities");
        expect(after - before).toBeLessThanOrEqual(1);
        clock.monotonicMs += 60_000;
        expect(await client.supports(feature)).toBe(true);
        expect(asked("versions") + asked("capabilities") - after).toBe(after - before);
      },
    );
  });

  it("rejects with what went wrong when it knows nothing, and asks again the next time", async () => {
    const { fake, told, open } = await startTelling();
    const client = open();
    told.status = 403;
    await expect(client.supports("threads")).rejects.toThrow(MatrixError);
    told.status = 200;
    expect(await client.supports("threads")).toBe(true);
    told.capabilities = { capabilities: null };
    await client.login(await fake.register("alice"));
    await expect(client.supports("m.change_password")).rejects.toThrow(ConnectionError);
    told.capabilities = { capabilities: {} };
    expect(await client.supports("m.change_password")).toBe(true);
  });

  it("asks once more when the clock is put back, and not for ever (threat 28)", async () => {
    const { told, clock, asked, open } = await startTelling();
    const client = open();
    expect(await client.supports("threads")).toBe(true);
    told.versions = { versions: ["v1.1"] };
    clock.now -= 30 * dayMs;
    for (let time = 1; time <= 3; time++) expect(await client.supports("threads")).toBe(false);
    expect(asked("versions")).toBe(2);
    told.status = 403;
    clock.now -= 30 * dayMs;
    for (let time = 1; time <= 3; time++) expect(await client.supports("threads")).toBe(false);
    expect(asked("versions")).toBe(3);
  });

  it("needs a session for capabilities of the specification, and says so", async () => {
    const { open } = await startTelling();
    const client = open();
    await expect(client.supports("m.change_password")).rejects.toThrow(NotLoggedInError);
    await expect(client.supports("m.change_password")).rejects.toThrow('"m.change_password"');
  });

  it("rejects when the session turns out to be over, whatever it was told in it", async () => {
    const { fake, clock, open } = await startTelling();
    const client = open();
    await client.login(await fake.register("alice"));
    expect(await client.supports("m.change_password")).toBe(true);
    clock.now += dayMs;
    fake.intercept(/capabilities|refresh/, (_, response) => {
      response.writeHead(401).end(JSON.stringify({ errcode: "M_UNKNOWN_TOKEN", error: "who?" }));
    });
    await expect(client.supports("m.change_password")).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    expect(await client.isLoggedIn()).toBe(false);
  });

  it("finds capabilities of other names beside unstable features", async () => {
    const { fake, told, asked, open } = await startTelling();
    told.versions = { versions: ["v1.1"], unstable_features: { "org.example.on": true, "org.example.off": false } };
    told.capabilities = { capabilities: { "org.example.off": {}, "org.example.listed": { max: 1 } } };
    const client = open();
    expect(await client.supports("org.example.on")).toBe(true);
    expect(await client.supports("org.example.off")).toBe(false);
    expect(await client.supports("org.example.listed")).toBe(false);
    await client.login(await fake.register("alice"));
    expect(await client.supports("org.example.off")).toBe(false);
    expect(asked("capabilities")).toBe(0);
    expect(await client.supports("org.example.listed")).toBe(true);
  });

  it.each([
    ["m.change_password", undefined, true],
    ["m.change_password", { enabled: false }, false],
    ["m.change_password", { enabled: "yes" }, false],
    ["m.change_password", null, false],
    ["m.3pid_changes", undefined, true],
    ["m.set_displayname", undefined, true],
    ["m.set_avatar_url", undefined, true],
    ["m.get_login_token", undefined, false],
    ["m.get_login_token", { enabled: true }, true],
    ["m.forget_forced_upon_leave", undefined, false],
    ["m.room_versions", { default: "11", available: {} }, true],
    ["m.profile_fields", { enabled: true, allowed: [] }, true],
    ["m.profile_fields", undefined, false],
  ])("takes the capability %s, listed as %j, for %s", async (name, listed, expected) => {
    const { fake, told, open } = await startTelling();
    told.capabilities = { capabilities: { [name]: listed } };
    const client = open();
    await client.login(await fake.register("alice"));
    expect(await client.supports(name)).toBe(expected);
  });

  it("takes profile fields for changeable where the specification has them and the homeserver does not say", async () => {
    const { fake, told, open } = await startTelling();
    told.versions = { versions: ["v1.16"] };
    const client = open();
    await client.login(await fake.register("alice"));
    expect(await client.supports("m.profile_fields")).toBe(true);
  });

  it.each([
    ["flags that are no object", { versions: ["v1.1"], unstable_features: ["org.example.on"] }],
    ["flags that are no booleans", { versions: ["v1.1"], unstable_features: { "org.example.on": "true" } }],
    ["flags that are inherited", '{"versions":["v1.1"],"unstable_features":{"__proto__":{"org.example.on":true}}}'],
    ["flags that nest deep", `{"versions":["v1.1"],"unstable_features":{"org.example.on":${nested}}}`],
    ["flags beside deep nesting", `{"versions":["v1.1"],"a":${nested}}`],
  ])("believes no %s", async (_, versions) => {
    const { told, open, openLater } = await startTelling();
    told.versions = versions;
    expect(await open().supports("org.example.on")).toBe(false);
    expect(await openLater().supports("v1.1")).toBe(true);
  });

  it.each(["", "threds", "v1", "v1.x", "1.11", "constructor", "toString", "__proto__", "m", "m.", "a b.c", null, 7])(
    "rejects with a TypeError that names %j, which is no feature, and asks nothing",
    async (feature) => {
      const { asked, open } = await startTelling();
      const error = await open()
        .supports(feature as string)
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toContain(
        typeof feature === "string" ? JSON.stringify(feature) : typeof feature,
      );
      expect((error as Error).message).toContain('"threads"');
      expect(asked("versions")).toBe(0);
    },
  );

  it("rejects with the reason of its signal, and lets others have their answer", async () => {
    const { fake, asked, open } = await startTelling();
    let answer = (): void => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const arrived = new Promise<void>((resolve) => {
      fake.intercept("/_matrix/client/versions", async (_, __, pass) => {
        resolve();
        await held;
        await pass();
      });
    });
    const client = open();
    const controller = new AbortController();
    const impatient = client.supports("threads", { signal: controller.signal });
    const patient = client.supports("threads");
    await arrived;
    const reason = new Error("changed my mind");
    controller.abort(reason);
    await expect(impatient).rejects.toBe(reason);
    await expect(open().supports("threads", { signal: controller.signal })).rejects.toBe(reason);
    answer();
    expect(await patient).toBe(true);
    expect(asked("versions")).toBe(1);
  });

  it("rejects when the client is closed, after what it began to store is stored", async () => {
    const held = heldStorage();
    const { fake } = await startTelling();
    const client = new Client({ storage: held.storage, baseClientUrl: `${fake.url}/_matrix/client/` });
    await client.isLoggedIn();
    const holding = held.hold();
    const asking = client.supports("threads").catch((error: unknown) => error);
    await holding;
    const closed = client.close();
    held.release();
    await closed;
    expect(await asking).toBeInstanceOf(ClientClosedError);
    expect(await held.storage.namespace("client").get("homeserver")).toHaveProperty("versions");
  });
});

describe("a feature by name", () => {
  it.each([
    ["authenticated-media", "v1.11", "v1.10"],
    ["refresh-tokens", "v1.3", "v1.2"],
    ["use-state-after", "v1.16", "v1.15"],
    ["knocking", "v1.1", "r0.6.1"],
  ])("%s is there since %s, and not in %s", (name, since, before) => {
    const kind = kindOf(name);
    expect(answerOf({ versions: [since] }, name, kind)).toBe(true);
    expect(answerOf({ versions: ["v1.99"] }, name, kind)).toBe(true);
    expect(answerOf({ versions: [before, "v2.99", "v1.", "v1.99x"] }, name, kind)).toBe(false);
  });

  it("is not there by a flag that is no boolean", () => {
    const flags = { "org.matrix.msc3916.stable": "true" } as unknown as Record<string, boolean>;
    const versions = { versions: ["v1.1"], unstable_features: flags };
    expect(answerOf(versions, "authenticated-media", "named")).toBe(false);
    expect(answerOf(versions, "org.matrix.msc3916.stable", "unstable")).toBe(false);
  });

  it("is there earlier by the flag of its stable form", () => {
    const flags = { "org.matrix.msc3916.stable": true, "org.matrix.msc3440.stable": false };
    const versions = { versions: ["v1.1"], unstable_features: flags };
    expect(answerOf(versions, "authenticated-media", "named")).toBe(true);
    expect(answerOf(versions, "threads", "named")).toBe(false);
  });
});
