import type { RequestListener } from "node:http";
import { describe, expect, it } from "vitest";
import { discover } from "./discover.js";
import { openEnv } from "./env.js";
import { DiscoveryError } from "./errors.js";
import { closing } from "./testing/closing.js";
import { startWire, type Wire } from "./testing/wire.js";

const versions = { versions: ["v1.11", "v1.12"], unstable_features: { "org.example": true } };

/** A server whose paths answer with what is given: a JSON value, a text, or a listener. */
async function serve(paths: Record<string, unknown>): Promise<Wire> {
  const wire = await startWire((request, response) => {
    const answer = paths[request.url ?? ""];
    if (answer === undefined) response.writeHead(404).end("<h1>Not found</h1>");
    else if (typeof answer === "function") (answer as RequestListener)(request, response);
    else response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  });
  return closing(wire);
}

/** Discovers with https://example.org and https://matrix.example.org being the server. */
async function discoverAt(wire: Wire, server: string, timeoutMs = 5000) {
  const { env } = closing(openEnv());
  const fetch: typeof env.fetch = async (url, init) => {
    const response = await env.fetch(url.replace(/^https:\/\/(matrix\.)?example\.org(?=\/)/, wire.url), init);
    const { status, headers, body } = response;
    return { status, headers, body, url: response.url.replace(wire.url, "https://matrix.example.org") };
  };
  return discover(server, { env: { fetch }, timeoutMs });
}

const wellKnownPath = "/.well-known/matrix/client";
const versionsPath = "/_matrix/client/versions";
const wellKnown = { "m.homeserver": { base_url: "https://matrix.example.org" }, "org.example": 1 };

describe("discover", () => {
  it.each(["example.org", "@alice:example.org", "example.org:8448", "@alice:example.org:8448", "EXAMPLE.org"])(
    "finds the homeserver of %s by its well-known document, at the host without the port",
    async (server) => {
      const wire = await serve({ [wellKnownPath]: wellKnown, [versionsPath]: versions });
      expect(await discoverAt(wire, server)).toEqual({
        baseClientUrl: "https://matrix.example.org/_matrix/client/",
        wellKnown,
        versions,
      });
    },
  );

  it.each(["https://matrix.example.org/", "https://matrix.example.org///"])(
    "takes the base URL %s for the same as without its slashes",
    async (base_url) => {
      const wire = await serve({ [wellKnownPath]: { "m.homeserver": { base_url } }, [versionsPath]: versions });
      const { baseClientUrl } = await discoverAt(wire, "example.org");
      expect(baseClientUrl).toBe("https://matrix.example.org/_matrix/client/");
    },
  );

  it("takes a URL without a well-known document for the homeserver itself", async () => {
    const wire = await serve({ [versionsPath]: versions });
    expect(await discover(wire.url)).toEqual({ baseClientUrl: `${wire.url}/_matrix/client/`, versions });
  });

  it("looks up a URL that has a well-known document", async () => {
    const found = { "m.homeserver": { base_url: "" } };
    const wire = await serve({ [wellKnownPath]: found, [`/base${versionsPath}`]: versions });
    found["m.homeserver"].base_url = `${wire.url}/base/`;
    expect(await discover(wire.url)).toMatchObject({ baseClientUrl: `${wire.url}/base/_matrix/client/` });
  });

  it("does not look up a URL with a path: it is the homeserver", async () => {
    const wire = await serve({ [wellKnownPath]: wellKnown, [`/base${versionsPath}`]: versions });
    expect(await discover(`${wire.url}/base/`)).toEqual({
      baseClientUrl: `${wire.url}/base/_matrix/client/`,
      versions,
    });
    expect(wire.requests).toEqual([`GET /base${versionsPath}`]);
  });

  it("does not follow a redirect of the versions, which would make another base URL than it finds", async () => {
    const redirect: RequestListener = (_, response) => response.writeHead(301, { location: "/elsewhere" }).end();
    const wire = await serve({ [wellKnownPath]: wellKnown, [versionsPath]: redirect, "/elsewhere": versions });
    await expect(discoverAt(wire, "example.org")).rejects.toMatchObject({ outcome: "FAIL_ERROR" });
  });

  it("refuses a document that was redirected from https to http", async () => {
    const wire = await serve({ [wellKnownPath]: wellKnown, [versionsPath]: versions });
    const { env } = closing(openEnv());
    const fetch: typeof env.fetch = (url, init) => env.fetch(url.replace("https://example.org", wire.url), init);
    const error = await discover("example.org", { env: { fetch } }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      outcome: "FAIL_PROMPT",
      cause: { message: expect.stringContaining("not encrypted") as string },
    });
  });

  it.each(["/_matrix/client/", "/_matrix/client"])(
    "finds a homeserver by its base client URL, too: %s",
    async (path) => {
      const wire = await serve({ [versionsPath]: versions });
      expect(await discover(wire.url + path)).toMatchObject({ baseClientUrl: `${wire.url}/_matrix/client/` });
    },
  );

  it("follows a redirect of the well-known document", async () => {
    const redirect: RequestListener = (_, response) => response.writeHead(302, { location: "/elsewhere" }).end();
    const wire = await serve({ [wellKnownPath]: redirect, "/elsewhere": wellKnown, [versionsPath]: versions });
    expect(await discoverAt(wire, "example.org")).toMatchObject({ wellKnown });
  });

  describe.each([
    "",
    "example.org/path",
    "example.org?query",
    "alice@example.org",
    "exa mple.org",
    "@alice",
    "ftp://example.org",
    "https://",
    "https://user:password@example.org",
    "example.org:port",
    null,
    42,
  ])("of %j", (server) => {
    it("fails before anything is asked, names the value and says what would do", async () => {
      const error = await discover(server as string).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DiscoveryError);
      expect(error).toMatchObject({ outcome: "FAIL_PROMPT" });
      expect((error as Error).message).toContain(JSON.stringify(server));
    });
  });

  const endless: RequestListener = (_, response) => {
    const more = (): void => {
      while (response.write("x".repeat(16_384)));
      response.once("drain", more);
    };
    more();
  };
  const silent: RequestListener = () => {};
  const dribbling: RequestListener = (_, response) => {
    response.write("{");
  };
  const status = (code: number, body: string) => (_: unknown, response: Parameters<RequestListener>[1]) =>
    response.writeHead(code).end(body);

  it.each([
    ["HTML", "<!doctype html><h1>Welcome</h1>"],
    ["empty", ""],
    ["an array", "[]"],
    ["null", "null"],
    ["an object without a homeserver", "{}"],
    ["an object whose base URL is not a string", '{"m.homeserver":{"base_url":7}}'],
    ["larger than 64 KiB", JSON.stringify({ ...wellKnown, padding: "x".repeat(65_536) })],
    ["10 MB", JSON.stringify({ ...wellKnown, padding: "x".repeat(10_000_000) })],
    ["without end", endless],
    ["never sent", silent],
    ["sent too slowly", dribbling],
    ["an error of the server", status(500, "{}")],
    ["a Matrix error", status(403, '{"errcode":"M_FORBIDDEN","error":"no"}')],
  ])("fails and asks for the URL when the well-known document is %s", async (_, answer) => {
    const wire = await serve({ [wellKnownPath]: answer, [versionsPath]: versions });
    const error = await discoverAt(wire, "example.org", 100).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DiscoveryError);
    expect(error).toMatchObject({ outcome: "FAIL_PROMPT" });
    expect((error as Error).message).toMatch(/"example\.org".*discover the URL of its homeserver/);
    expect(wire.requests).toEqual([`GET ${wellKnownPath}`]);
  });

  it("says that nobody answers at a URL, and why", async () => {
    const wire = await serve({});
    await wire.close();
    await expect(discover(wire.url)).rejects.toThrow(/nobody answers there \(.*ECONNREFUSED.*\); check it$/);
  });

  it("says that a name is looked up over https, where a URL would have been meant", async () => {
    const { env } = closing(openEnv());
    const fetch: typeof env.fetch = () => Promise.reject(new Error("ECONNREFUSED"));
    await expect(discover("localhost:8008", { env: { fetch } })).rejects.toThrow('"http://localhost:8008"');
  });

  it("says that a name has no well-known document", async () => {
    const error = await discoverAt(await serve({}), "example.org").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DiscoveryError);
    expect(error).toMatchObject({ outcome: "IGNORE" });
  });

  it("fails when nobody is at the name", async () => {
    const wire = await serve({});
    await wire.close();
    await expect(discoverAt(wire, "example.org")).rejects.toMatchObject({
      name: "DiscoveryError",
      outcome: "FAIL_PROMPT",
    });
  });

  it.each([
    ["no URL", "matrix.example.org"],
    ["a URL of another kind", "ftp://matrix.example.org"],
    ["a URL with a password", "https://a:b@matrix.example.org"],
    ["not encrypted though the document was", "http://matrix.example.org"],
  ])("goes no further when the base URL is %s", async (_, base_url) => {
    const wire = await serve({ [wellKnownPath]: { "m.homeserver": { base_url } }, [versionsPath]: versions });
    const error = await discoverAt(wire, "example.org").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "DiscoveryError", outcome: "FAIL_ERROR" });
    expect((error as Error).message).toContain(JSON.stringify(base_url));
    expect(wire.requests).toEqual([`GET ${wellKnownPath}`]);
  });

  it.each([
    ["missing", undefined],
    ["without a list", "{}"],
    ["a list of other things", '{"versions":[1,2]}'],
    ["an object in the place of the list", '{"versions":{}}'],
    ["HTML", "<h1>Welcome</h1>"],
    ["never sent", silent],
  ])("goes no further when the versions are %s", async (_, answer) => {
    const wire = await serve({ [wellKnownPath]: wellKnown, [versionsPath]: answer });
    const error = await discoverAt(wire, "example.org", 100).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "DiscoveryError", outcome: "FAIL_ERROR" });
    expect((error as Error).message).toContain("https://matrix.example.org/_matrix/client/");
  });

  it("rejects with the reason of its signal", async () => {
    const wire = await serve({ [wellKnownPath]: silent });
    const controller = new AbortController();
    const discovering = discover(wire.url, { signal: controller.signal });
    const reason = new Error("changed my mind");
    controller.abort(reason);
    await expect(discovering).rejects.toBe(reason);
  });
});
