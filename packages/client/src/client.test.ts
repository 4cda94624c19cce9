import { type Storage, memoryStorage, StorageError } from "@mx/storage";
import { faults } from "@mx/testing";
import { inspect } from "node:util";
import { Keyv } from "keyv";
import { describe, expect, it, vi } from "vitest";
import { Client } from "./client.js";
import { discover } from "./discover.js";
import { endpoint } from "./endpoint.js";
import { ClientClosedError, NoBaseUrlError, NotLoggedInError } from "./errors.js";
import type { Homeserver } from "./homeserver.js";
import type { Json } from "./json.js";
import { ClientClosed } from "./messages.js";
import { closing } from "./testing/closing.js";
import { heldStorage } from "./testing/held-storage.js";
import { describeOnHomeservers, logIn, openClient, startFake } from "./testing/homeservers.js";
import { startWire } from "./testing/wire.js";

const baseClientUrl = "https://matrix.example.org/_matrix/client/";

/** A storage that tells when it is read and when it is closed. */
function watched(storage: Storage = memoryStorage()) {
  return { storage, open: vi.fn(() => storage), close: vi.spyOn(storage, "close") };
}

describe("new Client", () => {
  it("does no I/O: the storage is opened by the first call, once for all concurrent ones", async () => {
    const { open } = watched();
    const client = closing(new Client({ storage: open, baseClientUrl }));
    expect(open).not.toHaveBeenCalled();
    await Promise.all([client.isLoggedIn(), client.url("versions"), client.isLoggedIn()]);
    expect(open).toHaveBeenCalledTimes(1);
  });

  it("takes the outside world from an object of a class, too", async () => {
    class World {
      readonly #bytes = 7;
      readonly asked: string[] = [];
      now(): number {
        this.asked.push("now");
        return 5;
      }
      randomBytes(length: number): Uint8Array {
        this.asked.push("randomBytes");
        return new Uint8Array(length).fill(this.#bytes);
      }
    }
    const fake = await startFake();
    const env = new World();
    const { client } = await logIn(fake, "alice", { env });
    await client.whoami();
    expect(new Set(env.asked)).toEqual(new Set(["now", "randomBytes"]));
  });

  it("reads the storage once", async () => {
    const { storage } = watched();
    const namespace = vi.spyOn(storage, "namespace");
    const client = closing(new Client({ storage, baseClientUrl }));
    await client.isLoggedIn();
    await client.isLoggedIn();
    expect(namespace).toHaveBeenCalledTimes(1);
  });

  it("tells a failure to open to all who wait, and tries again on the next call", async () => {
    const open = vi.fn(memoryStorage).mockImplementationOnce(() => {
      throw new Error("the disk is asleep");
    });
    const client = closing(new Client({ storage: open, baseClientUrl }));
    const first = await Promise.allSettled([client.isLoggedIn(), client.url("versions")]);
    for (const result of first) {
      expect(result).toMatchObject({ status: "rejected", reason: { name: "StorageError" } });
      expect(result).toMatchObject({ reason: { message: expect.stringContaining("the disk is asleep") as string } });
    }
    expect(await client.isLoggedIn()).toBe(false);
    expect(open).toHaveBeenCalledTimes(2);
  });

  it("closes the storage that it has opened when that cannot be used", async () => {
    const { storage, open, close } = watched();
    await storage.namespace("client").set("session", { userId: 7 });
    await storage.namespace("client").set("homeserver", { baseClientUrl });
    const client = closing(new Client({ storage: open }));
    await expect(client.isLoggedIn()).rejects.toThrow(StorageError);
    expect(close).toHaveBeenCalledTimes(1);
  });

  it("does not send a token whose homeserver it cannot read to one that it is given", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    await storage.namespace("client").set("homeserver", null);
    await storage
      .namespace("client")
      .set("session", { userId: "@a:b", deviceId: "D", accessToken: "another server's" });
    const client = await openClient(fake, { storage });
    expect(await client.isLoggedIn()).toBe(false);
  });

  it.each([
    ["a plain Map", () => new Map()],
    ["a plain Keyv", () => new Keyv()],
    ["a storage", () => memoryStorage()],
    ["a namespace of one", () => memoryStorage().namespace("alice")],
  ])("works on %s, whether given or opened, and finds the homeserver there again", async (_, make) => {
    const storage = make();
    const first = closing(new Client({ storage, baseClientUrl }));
    expect(await first.url("v3/sync")).toBe(`${baseClientUrl}v3/sync`);
    await first.close();
    const second = closing(new Client({ storage: async () => storage }));
    expect(await second.url("v3/sync", { since: "s1" })).toBe(`${baseClientUrl}v3/sync?since=s1`);
  });

  it("finds the homeserver by the function that it is given, when there is none in the storage, and only then", async () => {
    const storage = memoryStorage();
    const homeserver = vi.fn(async () => ({ baseClientUrl }));
    for (let life = 0; life < 2; life++) {
      const client = closing(new Client({ storage, homeserver }));
      expect(await client.url("versions")).toBe(`${baseClientUrl}versions`);
      await client.close();
    }
    expect(homeserver).toHaveBeenCalledTimes(1);
  });

  it("leaves a session alone that another client has begun while this one looked for its homeserver", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const found = await discover(fake.url);
    let find: (found: Homeserver) => void = () => {};
    const slow = closing(
      new Client({ storage, homeserver: () => new Promise<Homeserver>((resolve) => (find = resolve)) }),
    );
    const opening = slow.isLoggedIn();
    const { client, userId } = await logIn(fake, "alice", { storage });
    find({ ...found, baseClientUrl: "http://127.0.0.1:1/_matrix/client/" });
    expect(await opening).toBe(true);
    expect(await slow.whoami()).toMatchObject({ userId });
    expect(await client.whoami()).toMatchObject({ userId });
  });

  it("asks that function again on the next call when it fails, stores nothing before, and does not wait for it in close", async () => {
    const storage = new Map<string, unknown>();
    const homeserver = vi
      .fn((): Promise<{ baseClientUrl: string }> => new Promise(() => {}))
      .mockRejectedValueOnce(new Error("nobody there"))
      .mockResolvedValueOnce({ baseClientUrl: "https://matrix.example.org" });
    const client = new Client({ storage, homeserver });
    await expect(client.isLoggedIn()).rejects.toThrow("nobody there");
    await expect(client.isLoggedIn()).rejects.toThrow('it may be "https://matrix.example.org/_matrix/client/"');
    const waiting = expect(client.isLoggedIn()).rejects.toThrow(ClientClosedError);
    await vi.waitFor(() => expect(homeserver).toHaveBeenCalledTimes(3));
    await client.close();
    await waiting;
    expect(storage).toEqual(new Map());
  });

  it("refuses a function beside a base URL, and what is no function", () => {
    const homeserver = () => ({ baseClientUrl });
    expect(() => new Client({ storage: new Map(), homeserver, baseClientUrl })).toThrow("leave one out");
    expect(() => new Client({ storage: new Map(), homeserver: "example.org" as never })).toThrow("() => discover(…)");
  });

  it("rejects the first call when there is no base URL, neither given nor stored, and stores nothing", async () => {
    const storage = new Map<string, unknown>();
    const client = closing(new Client({ storage }));
    await expect(client.isLoggedIn()).rejects.toThrow(NoBaseUrlError);
    await expect(client.url("v3/sync")).rejects.toThrow(/no base URL.*discover/);
    expect(storage).toEqual(new Map());
  });

  it.each(["matrix.example.org", "https://matrix.example.org", "https://matrix.example.org/_matrix/client"])(
    "refuses the base URL %s at once",
    (url) => {
      expect(() => new Client({ storage: new Map(), baseClientUrl: url })).toThrow(JSON.stringify(url));
    },
  );

  it("refuses what discover found when it comes without the base URL", () => {
    expect(() => new Client({ storage: new Map(), versions: { versions: [] } })).toThrow("no baseClientUrl");
  });

  it.each([[null], ["alice.db"], [{}], [undefined]])(
    "refuses %j in the place of a storage, on the first call",
    async (storage) => {
      const client = closing(new Client({ storage: storage as never, baseClientUrl }));
      await expect(client.isLoggedIn()).rejects.toThrow(TypeError);
    },
  );

  it("rejects with what the storage says when it fails", async () => {
    const storage = memoryStorage();
    const client = closing(new Client({ storage, baseClientUrl }));
    await storage.close();
    await expect(client.isLoggedIn()).rejects.toThrow(StorageError);
  });
});

describe("the calls of a client", () => {
  const calls: [name: string, call: (client: Client, options: { signal: AbortSignal }) => Promise<unknown>][] = [
    ["request", (client, options) => client.request("GET", "v3/x", options)],
    ["loginFlows", (client, options) => client.loginFlows(options)],
    ["whoami", (client, options) => client.whoami(options)],
    ["supports", (client, options) => client.supports("m.change_password", options)],
    ["sendText", (client, options) => client.sendText("!r:fake.test", "Hello", options)],
    ["sendEvent", (client, options) => client.sendEvent("!r:fake.test", "m.x", {}, options)],
    ["sendStateEvent", (client, options) => client.sendStateEvent("!r:fake.test", "m.x", "", {}, options)],
    ["createRoom", (client, options) => client.createRoom({}, options)],
    ["joinRoom", (client, options) => client.joinRoom("!r:fake.test", options)],
    ["leaveRoom", (client, options) => client.leaveRoom("!r:fake.test", options)],
    ["logout", (client, options) => client.logout(options)],
    ["logoutAll", (client, options) => client.logoutAll(options)],
  ];
  const beginnings: typeof calls = [
    ["login", (client, options) => client.login({ user: "alice", password: "secret" }, options)],
    ["login with a token", (client, options) => client.login({ accessToken: "syt_x" }, options)],
    ["register", (client, options) => client.register(options)],
  ];

  it.each([...calls, ...beginnings])(
    "can be given up: %s, while the homeserver is silent and before the client is open",
    async (name, call) => {
      const fake = await startFake();
      const isBeginning = beginnings.some(([other]) => other === name);
      const client = isBeginning ? await openClient(fake) : (await logIn(fake, "alice")).client;
      const before = fake.requests.length;
      fake.intercept(/_matrix/, faults.fallSilentBeforeProcessing());
      const giveUp = new AbortController();
      const calling = call(client, { signal: giveUp.signal });
      const refused = expect(calling).rejects.toThrow("enough");
      await vi.waitFor(() => expect(fake.requests.length).toBeGreaterThan(before));
      giveUp.abort(new Error("enough"));
      await refused;

      let open: (storage: Storage) => void = () => {};
      const storage = new Promise<Storage>((resolve) => {
        open = resolve;
      });
      const opening = closing(new Client({ storage: () => storage, baseClientUrl }));
      await expect(call(opening, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
      open(memoryStorage());
    },
  );

  it("end quietly, when it is a sync that is given up before the client is open", async () => {
    let open: (storage: Storage) => void = () => {};
    const storage = new Promise<Storage>((resolve) => {
      open = resolve;
    });
    const client = closing(new Client({ storage: () => storage, baseClientUrl }));
    const giveUp = new AbortController();
    const syncing = client.sync({ signal: giveUp.signal });
    giveUp.abort();
    await syncing;
    open(memoryStorage());
  });
});

describe("Client.close", () => {
  it("does not wait for a storage that does not open, and closes it when it does", async () => {
    const { storage, close } = watched();
    let open: (storage: Storage) => void = () => {};
    const opening = new Promise<Storage>((resolve) => {
      open = resolve;
    });
    const client = new Client({ storage: () => opening, baseClientUrl });
    const refused = expect(client.isLoggedIn()).rejects.toThrow(ClientClosedError);
    await client.close();
    await refused;
    open(storage);
    await vi.waitFor(() => expect(close).toHaveBeenCalledTimes(1));
  });

  it("rejects when a storage does not finish within ten seconds, and publishes ClientClosed all the same", async () => {
    const waits: number[] = [];
    const env = {
      setTimeout(callback: () => void, ms: number): unknown {
        waits.push(ms);
        return setTimeout(callback, ms === 10_000 ? 0 : ms);
      },
    };
    const { storage } = watched();
    vi.spyOn(storage, "close").mockImplementation(() => new Promise(() => {}));
    const client = new Client({ storage: () => storage, baseClientUrl, env });
    const told = vi.fn();
    client.publisher.subscribe(ClientClosed, told);
    await client.isLoggedIn();
    await expect(client.close()).rejects.toThrow("its storage has not finished within 10000 ms");
    expect(told).toHaveBeenCalledTimes(1);
    expect(waits).toEqual([10_000]);
  });

  it("closes the storage that the client has opened, and not one that it was given", async () => {
    const own = watched();
    const given = watched();
    for (const storage of [own.open, given.storage]) {
      const client = new Client({ storage, baseClientUrl });
      await client.isLoggedIn();
      await client.close();
    }
    expect(own.close).toHaveBeenCalledTimes(1);
    expect(given.close).not.toHaveBeenCalled();
  });

  it("publishes ClientClosed once, after everything is freed", async () => {
    const { open, close } = watched();
    const client = new Client({ storage: open, baseClientUrl });
    await client.isLoggedIn();
    const closings: number[] = [];
    client.publisher.subscribe(ClientClosed, async () => {
      closings.push(close.mock.calls.length);
      await client.close();
    });
    await Promise.all([client.close(), client.close()]);
    await client.close();
    expect(closings).toEqual([1]);
    expect(close).toHaveBeenCalledTimes(1);
  });

  it("waits for what has begun to be stored, and stores nothing after it", async () => {
    const fake = await startFake();
    const { storage, hold, release } = heldStorage();
    const client = await openClient(fake, { storage: () => storage });
    await client.url("versions");
    const isHeld = hold();
    const login = client.login({ ...(await fake.register("alice")), deviceId: "PHONE" });
    await isHeld;
    const closed = client.close();
    release();
    await Promise.all([login, closed]);
    await expect(storage.get("x")).rejects.toThrow(StorageError);
  });

  it("publishes ClientClosed, and rejects, when the storage cannot be closed", async () => {
    const { open, close } = watched();
    close.mockRejectedValue(new StorageError("Cannot close it: the disk is full"));
    const client = new Client({ storage: open, baseClientUrl });
    await client.isLoggedIn();
    const closed = client.publisher.next(ClientClosed);
    await expect(client.close()).rejects.toThrow("the disk is full");
    await closed;
  });

  it("opens nothing when nothing was used", async () => {
    const { open } = watched();
    await new Client({ storage: open, baseClientUrl }).close();
    expect(open).not.toHaveBeenCalled();
  });

  it("waits for a storage that is being opened, and closes that", async () => {
    const { storage, close } = watched();
    const open = vi.fn<(storage: Storage) => void>();
    const opening = new Promise<Storage>((resolve) => open.mockImplementation(resolve));
    const client = new Client({ storage: () => opening, baseClientUrl });
    const call = client.isLoggedIn();
    const closed = client.close();
    open(storage);
    await closed;
    await expect(call).rejects.toThrow(ClientClosedError);
    expect(close).toHaveBeenCalledTimes(1);
  });

  it("makes every later call reject, and says what to do", async () => {
    const client = new Client({ storage: new Map(), baseClientUrl });
    await client.close();
    const calls = [
      client.url("v3/sync"),
      client.request("GET", "v3/sync"),
      client.login({ accessToken: "x" }),
      client.isLoggedIn(),
      client.whoami(),
      client.loginFlows(),
      client.ssoUrl("app:/back"),
      client.register(),
      client.logout(),
      client.logoutAll(),
      client.sendText("!r", "x"),
      client.sendEvent("!r", "x", {}),
      client.sendStateEvent("!r", "x", "", {}),
      client.createRoom(),
      client.joinRoom("!r"),
      client.leaveRoom("!r"),
      client.sync(),
    ];
    for (const result of await Promise.allSettled(calls)) {
      expect(result).toMatchObject({ status: "rejected", reason: { name: "ClientClosedError" } });
    }
    await expect(client.isLoggedIn()).rejects.toThrow("create a new one on the same storage");
  });

  it("interrupts requests that are under way", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const reached = new Promise<void>((resolve) => {
      fake.intercept("/_matrix/client/v3/account/whoami", () => resolve());
    });
    const call = client.whoami();
    const refused = expect(call).rejects.toThrow(ClientClosedError);
    await reached;
    await client.close();
    await refused;
  });

  it("closes the sockets that are kept open", async () => {
    const wire = closing(await startWire((_, response) => void response.end("{}")));
    const client = new Client({ storage: new Map(), baseClientUrl: `${wire.url}/_matrix/client/` });
    await client.request("GET", "v3/login", { authenticated: false });
    expect(await wire.sockets()).toBe(1);
    await client.close();
    await vi.waitFor(async () => expect(await wire.sockets()).toBe(0));
  });

  it("ends a client at the end of its scope", async () => {
    const { open, close } = watched();
    {
      await using client = new Client({ storage: open, baseClientUrl });
      await client.isLoggedIn();
    }
    expect(close).toHaveBeenCalledTimes(1);
  });
});

describe("Client.request", () => {
  it.each(["POST", "post"])("does not repeat a %s whose answer was lost", async (method) => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    fake.intercept("/_matrix/client/v3/createRoom", (request) => void request.socket.destroy());
    const asked = client.request(method, "v3/createRoom", { body: {} });
    await expect(asked).rejects.toThrow(/v3\/createRoom: .*; it may have been done all the same$/);
    expect(fake.requests.filter(({ path }) => path.endsWith("createRoom"))).toHaveLength(1);
  });

  it("hands over what user-interactive authentication asks", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const body = JSON.stringify({ session: "s", flows: [{ stages: ["m.login.password"] }] });
    fake.intercept(/account\/password/, (_, response) => void response.writeHead(401).end(body));
    await expect(client.request("POST", "v3/account/password", { body: {} })).rejects.toMatchObject({
      name: "MatrixError",
      status: 401,
      errcode: "M_UNKNOWN",
      data: { session: "s", flows: [{ stages: ["m.login.password"] }] },
    });
  });

  it("says what user-interactive authentication asks for, and how to answer", async () => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const flows = [
      { stages: ["m.login.registration_token", "m.login.dummy"] },
      7,
      { stages: ["m.login.dummy", 8, "\n"] },
    ];
    fake.intercept(/v3\/devices/, (_, response) => void response.writeHead(401).end(JSON.stringify({ flows })));
    await expect(client.request("DELETE", "v3/devices/PHONE")).rejects.toMatchObject({
      errcode: "M_UNKNOWN",
      message:
        "Cannot DELETE v3/devices/PHONE: the homeserver wants the user to prove who they are " +
        "(m.login.registration_token, m.login.dummy); answer in callbacks.authenticate",
    });
  });

  it("refuses what is not a method before anything is sent", async () => {
    const client = closing(new Client({ storage: new Map(), baseClientUrl }));
    const swapped = client.request("v3/account/whoami", "GET", { authenticated: false });
    await expect(swapped).rejects.toThrow('"v3/account/whoami" is not a method like "GET"');
  });

  it("says nothing of its query when there is no answer", async () => {
    const fake = await startFake();
    const client = await openClient(fake);
    await client.url("versions");
    await fake.close();
    const query = { loginToken: "secret" };
    const asked = client.request("GET", "v3/login", { query, authenticated: false, timeoutMs: 10 });
    const error: unknown = await asked.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "ConnectionError" });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("secret");
  });

  it("quotes what a homeserver says, so that it cannot be taken for anything else", async () => {
    const fake = await startFake();
    const client = await openClient(fake);
    const body = JSON.stringify({ errcode: "M_X\u001b[2J\nINFO", error: 'a\n"b"' });
    fake.intercept("/_matrix/client/v3/login", (_, response) => void response.writeHead(403).end(body));
    const asked = client.request("GET", "v3/login", { authenticated: false });
    await expect(asked).rejects.toThrow('M_X\\u001b[2J\\nINFO "a\\n\\"b\\""');
  });
});

describe("another base URL", () => {
  it("forgets the stored session: its token never reaches a server that did not issue it", async () => {
    const [first, second] = [await startFake(), await startFake()];
    const storage = memoryStorage();
    await storage.set("mine", "kept");
    const { client } = await logIn(first, "alice", { storage });
    await client.close();

    const moved = await openClient(second, { storage });
    expect(await moved.isLoggedIn()).toBe(false);
    expect(await storage.namespace("client").has("session")).toBe(false);
    await expect(moved.whoami()).rejects.toThrow(NotLoggedInError);
    expect(second.requests.filter(({ headers }) => headers.authorization)).toEqual([]);
    await moved.close();

    const back = await openClient(first, { storage });
    expect(await back.isLoggedIn()).toBe(false);
    expect(await storage.get("mine")).toBe("kept");
  });

  it("goes to the new homeserver when the same storage is opened without one", async () => {
    const [first, second] = [await startFake(), await startFake()];
    const storage = memoryStorage();
    for (const homeserver of [first, second]) {
      const client = await openClient(homeserver, { storage });
      await client.url("versions");
      await client.close();
    }
    const client = closing(new Client({ storage }));
    expect(await client.url("versions")).toBe(`${second.url}/_matrix/client/versions`);
  });
});

describeOnHomeservers("Client", (homeserver) => {
  it("is found again in its storage, with its session, and without the homeserver being named", async () => {
    const storage = memoryStorage();
    const { client, userId } = await logIn(homeserver, "alice", { storage });
    const before = await client.whoami();
    await client.close();

    const later = closing(new Client({ storage }));
    expect(await later.isLoggedIn()).toBe(true);
    expect(await later.whoami()).toEqual(before);
    expect(await later.identity()).toEqual(before);
    expect(await (await openClient(homeserver)).identity()).toBeUndefined();
    expect(before.userId).toBe(userId);
  });

  it("needs a login before calls that need one, and says so", async () => {
    const client = await openClient(homeserver);
    const calls = [
      client.request("GET", "v3/joined_rooms"),
      client.whoami(),
      client.sendText("!r", "x"),
      client.createRoom(),
      client.joinRoom("!r"),
      client.leaveRoom("!r"),
      client.sync(),
    ];
    for (const result of await Promise.allSettled(calls)) {
      expect(result).toMatchObject({ status: "rejected", reason: { name: "NotLoggedInError" } });
    }
    await expect(client.whoami()).rejects.toThrow("call login() first");
  });

  it("makes requests to endpoints that have no method of their own", async () => {
    const { client } = await logIn(homeserver, "alice");
    const roomId = await client.createRoom();
    expect(await client.request("GET", "v3/joined_rooms")).toEqual({ joined_rooms: [roomId] });
    expect(await client.request("GET", "v3/login", { authenticated: false })).toHaveProperty("flows");
    const state = await client.request<Json[]>("GET", endpoint`v3/rooms/${roomId}/state`, { timeoutMs: Infinity });
    expect(state).toContainEqual(expect.objectContaining({ type: "m.room.create" }));
    await expect(client.request("GET", "v3/no/such/endpoint")).rejects.toMatchObject({
      name: "MatrixError",
      errcode: "M_UNRECOGNIZED",
      status: 404,
    });
  });
});
