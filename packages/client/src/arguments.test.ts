import { describe, expect, it } from "vitest";
import { Client, type ClientOptions } from "./client.js";
import type { RequestOptions } from "./request.js";
import { closing } from "./testing/closing.js";
import { logIn, openClient, startFake } from "./testing/homeservers.js";

const inCircles: Record<string, unknown> = { password: "hunter2" };
inCircles["self"] = inCircles;

describe("what makes no sense is a TypeError, and nothing is sent", () => {
  it.each<[options: object, found: string, method?: string]>([
    [{ timeoutMs: NaN }, "timeoutMs is not a number above 0"],
    [{ timeoutMs: 0 }, "timeoutMs is not a number above 0"],
    [{ timeoutMs: -1 }, "timeoutMs is not a number above 0"],
    [{ timeoutMs: "5" }, "timeoutMs is not a number above 0"],
    [{ timeoutMs: null }, "timeoutMs is not a number above 0"],
    [{ maxBodyBytes: NaN }, "maxBodyBytes is not a number above 0"],
    [{ maxBodyBytes: "5" }, "maxBodyBytes is not a number above 0"],
    [{ body: "hunter2" }, "the body is not an object or array"],
    [{ body: null }, "the body is not an object or array"],
    [{ body: () => "hunter2" }, "the body is not an object or array"],
    [{ body: new Date(0) }, "the body is not an object or array that JSON can write"],
    [{ body: { password: "hunter2", size: 1n } }, "the body is not an object or array that JSON can write"],
    [{ body: inCircles }, "the body is not an object or array that JSON can write"],
    [{ body: { toJSON: () => undefined } }, "the body is not an object or array that JSON can write"],
    [{ body: {} }, "it takes no body", "GET"],
    [{ body: {} }, "it takes no body", "head"],
    [{ signal: new AbortController() }, "signal is not an AbortSignal"],
    [{ signal: "hunter2" }, "signal is not an AbortSignal"],
  ])("request with %o: %s", async (options, found, method = "POST") => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const before = fake.requests.length;
    const error: unknown = await client
      .request(method, "v3/x", options as RequestOptions)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(found);
    if (!("signal" in options)) expect((error as Error).message).toContain(`Cannot ${method} v3/x: `);
    expect((error as Error).message).not.toContain("hunter2");
    expect(fake.requests).toHaveLength(before);
  });

  it.each<[options: object, found: string]>([
    [{ timeoutMs: "x" }, "Cannot sync: timeoutMs"],
    [{ timeoutMs: -1 }, "Cannot sync: timeoutMs"],
    [{ timeoutMs: NaN }, "Cannot sync: timeoutMs"],
    [{ timeoutMs: Infinity }, "Cannot sync: timeoutMs"],
    [{ maxBodyBytes: "x" }, "maxBodyBytes is not a number above 0"],
    [{ signal: {} }, "signal is not an AbortSignal"],
  ])("sync with %o: %s", async (options, found) => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const before = fake.requests.length;
    await expect(client.sync(options)).rejects.toThrow(TypeError);
    await expect(client.sync(options)).rejects.toThrow(found);
    expect(fake.requests).toHaveLength(before);
  });

  it.each(["name", null, [], 7])("createRoom(%j)", async (room) => {
    const fake = await startFake();
    const { client } = await logIn(fake, "alice");
    const before = fake.requests.length;
    await expect(client.createRoom(room as never)).rejects.toThrow(TypeError);
    await expect(client.createRoom(room as never)).rejects.toThrow('{ name: "Lobby" }');
    expect(fake.requests).toHaveLength(before);
  });

  it("login with a signal that is none", async () => {
    const client = await openClient(await startFake());
    const options = { signal: {} as never };
    await expect(client.login({ user: "alice", password: "x" }, options)).rejects.toThrow(
      "signal is not an AbortSignal",
    );
  });
});

describe("new Client says at once what it cannot be made of", () => {
  it.each<[options: unknown, found: string]>([
    [undefined, "there are no options"],
    [null, "there are no options"],
    ["https://matrix.example.org", "there are no options"],
    [{ env: { fetch: "x" } }, "env.fetch is not a function"],
    [{ env: "x" }, "env.fetch is not a function"],
    [{ callbacks: { logInAgain: {} } }, "callbacks.logInAgain is not a function"],
    [{ callbacks: { authenticate: "x" } }, "callbacks.authenticate is not a function"],
    [{ callbacks: null }, "callbacks.logInAgain is not a function"],
    [{ publisher: {} }, "publisher.publish is not a function"],
  ])("%o: %s", (options, found) => {
    const given = (
      typeof options === "object" && options ? { storage: new Map(), ...options } : options
    ) as ClientOptions;
    expect(() => new Client(given)).toThrow(TypeError);
    expect(() => new Client(given)).toThrow(`Cannot make a client: ${found}`);
  });

  it.each(["https://matrix.example.org", undefined, null])(
    "or by its first call, when it finds no homeserver but %j",
    async (found) => {
      const client = closing(new Client({ storage: new Map(), homeserver: () => found as never }));
      await expect(client.isLoggedIn()).rejects.toThrow(TypeError);
      await expect(client.isLoggedIn()).rejects.toThrow("discover(");
    },
  );
});
