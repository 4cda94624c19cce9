import type { RequestListener } from "node:http";
import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { Client } from "./client.js";
import { discover, type DiscoverOptions } from "./discover.js";
import { openEnv } from "./env.js";
import { DiscoveryError } from "./errors.js";
import type { Fetch } from "./fetch.js";
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
async function discoverAt(wire: Wire, server: string, options: DiscoverOptions = {}) {
  return discover(server, {
    timeoutMs: 5000,
    ...options,
    env: { ...options.env, fetch: fetchAt(wire), now: () => now },
  });
}

const now = 1_800_000_000_000;

/** All servers are this one, and say that they are who they are taken for. */
function fetchAt(wire: Wire, hidesRedirects = false): Fetch {
  const { env } = closing(openEnv());
  return async (url, init) => {
    const response = await env.fetch(url.replace(/^https?:\/\/[^/]+/, wire.url), init);
    const { status, headers, body } = response;
    if (hidesRedirects && init.redirect === "manual" && status >= 300 && status < 400) {
      return { status: 0, url: "", headers: new Headers(), body: null };
    }
    return { status, headers, body, url: response.url.replace(wire.url, new URL(url).origin) };
  };
}

const wellKnownPath = "/.well-known/matrix/client";
/** An array in an array, and so on. */
const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

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
        versionsAskedAt: now,
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
    expect(await discover(wire.url, { env: { now: () => now } })).toEqual({
      baseClientUrl: `${wire.url}/_matrix/client/`,
      versions,
      versionsAskedAt: now,
    });
  });

  it("looks up a URL that has a well-known document", async () => {
    const found = { "m.homeserver": { base_url: "" } };
    const wire = await serve({ [wellKnownPath]: found, [`/base${versionsPath}`]: versions });
    found["m.homeserver"].base_url = `${wire.url}/base/`;
    expect(await discover(wire.url)).toMatchObject({ baseClientUrl: `${wire.url}/base/_matrix/client/` });
  });

  it("does not look up a URL with a path: it is the homeserver", async () => {
    const wire = await serve({ [wellKnownPath]: wellKnown, [`/base${versionsPath}`]: versions });
    expect(await discover(`${wire.url}/base/`)).toMatchObject({
      baseClientUrl: `${wire.url}/base/_matrix/client/`,
      versions,
    });
    expect(wire.requests).toEqual([`GET /base${versionsPath}`]);
  });

  it.each([false, true])(
    "does not follow a redirect of the versions, which would make another base URL than it finds (hidden: %s)",
    async (isHidden) => {
      const redirect: RequestListener = (_, response) => response.writeHead(301, { location: "/elsewhere" }).end();
      const wire = await serve({ [wellKnownPath]: wellKnown, [versionsPath]: redirect, "/elsewhere": versions });
      const env = { fetch: fetchAt(wire, isHidden) };
      const error = await discover("example.org", { env }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: "DiscoveryError", outcome: "FAIL_ERROR" });
      expect((error as Error).message).toContain("the answer was a redirect");
      expect(wire.requests).toEqual([`GET ${wellKnownPath}`, `GET ${versionsPath}`]);
    },
  );

  it.each(["/_matrix/client/", "/_matrix/client"])(
    "finds a homeserver by its base client URL, too: %s",
    async (path) => {
      const wire = await serve({ [versionsPath]: versions });
      expect(await discover(wire.url + path)).toMatchObject({ baseClientUrl: `${wire.url}/_matrix/client/` });
    },
  );

  describe.each([
    "",
    "example.org/path",
    "example.org?query",
    "alice@example.org",
    "exa mple.org",
    "@alice",
    "ftp://example.org",
    "https://",
    "example.org:port",
  ])("of %j", (server) => {
    it("fails before anything is asked, names the value and says what would do", async () => {
      const error = await discover(server).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DiscoveryError);
      expect(error).toMatchObject({ outcome: "FAIL_PROMPT" });
      expect((error as Error).message).toContain(JSON.stringify(server));
    });
  });

  it.each([
    ["https://me:s3cret@example.org", '"https://…@example.org"'],
    ["https://s3cret@example.org", '"https://…@example.org"'],
    ["https://me:s3cret@[zz]", '"https://…@[zz]"'],
    [`https://me:${"s3cret".repeat(100)}@example.org`, '"https://…@example.org"'],
    ["https://me:s3cret/s3cret@s3cret@example.org", '"https://…@example.org"'],
    ["https:\\\\me:s3cret@example.org", JSON.stringify("https:\\\\…@example.org")],
    ["https:/me:s3cret@example.org", '"https:/…@example.org"'],
    ["https:me:s3cret@example.org", '"https:…@example.org"'],
    ["me:s3cret@example.org", '"me:…@example.org"'],
    [{ url: "https://me:s3cret@example.org" }, "object"],
    [null, "object"],
  ])("says nothing of the password in %j (threat 4)", async (server, shown) => {
    const error = await discover(server as string).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "DiscoveryError", outcome: "FAIL_PROMPT" });
    expect((error as Error).message).toContain(shown);
    expect(inspect(error)).not.toContain("s3cret");
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
    ["an object whose homeserver is an array", '{"m.homeserver":["https://matrix.example.org"]}'],
    ["an object whose homeserver is inherited", '{"__proto__":{"m.homeserver":{"base_url":"https://a.example"}}}'],
    [
      "an object with an identity server that has no base URL",
      JSON.stringify({ ...wellKnown, "m.identity_server": {} }),
    ],
    ["nested deeper than any such document", `{"m.homeserver":{"base_url":"https://a.example"},"a":${nested(10_000)}}`],
    ["with a number that cannot be stored", '{"m.homeserver":{"base_url":"https://a.example"},"a":[{"b":-1e999}]}'],
    ["larger than 64 KiB", JSON.stringify({ ...wellKnown, padding: "x".repeat(65_536) })],
    ["10 MB", JSON.stringify({ ...wellKnown, padding: "x".repeat(10_000_000) })],
    ["without end", endless],
    ["never sent", silent],
    ["sent too slowly", dribbling],
    ["an error of the server", status(500, "{}")],
    ["answered with another status", status(203, JSON.stringify(wellKnown))],
    ["a Matrix error", status(403, '{"errcode":"M_FORBIDDEN","error":"no"}')],
  ])("fails and asks for the URL when the well-known document is %s", async (_, answer) => {
    const wire = await serve({ [wellKnownPath]: answer, [versionsPath]: versions });
    const error = await discoverAt(wire, "example.org", {
      timeoutMs: answer === silent || answer === dribbling ? 300 : 5000,
    }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DiscoveryError);
    expect(error).toMatchObject({ outcome: "FAIL_PROMPT" });
    expect((error as Error).message).toMatch(/"example\.org".*discover the URL of its homeserver/);
    expect(new Set(wire.requests)).toEqual(new Set([`GET ${wellKnownPath}`]));
  });

  it("says that nobody answers at a URL, and why", async () => {
    const wire = await serve({});
    await wire.close();
    await expect(discover(wire.url)).rejects.toThrow(
      /nobody answers there \(.*ECONNREFUSED.*\); try again, or check it$/,
    );
  });

  it("asks again, three times at most, when nobody answers well", async () => {
    const failures = new Map([
      [wellKnownPath, [500, 429]],
      [versionsPath, [0, 502]],
    ]);
    const sometimes =
      (path: string, document: object): RequestListener =>
      (_, response) => {
        const failure = failures.get(path)?.shift();
        if (failure === 0) response.destroy();
        else response.writeHead(failure ?? 200).end(JSON.stringify(document));
      };
    const wire = await serve({
      [wellKnownPath]: sometimes(wellKnownPath, wellKnown),
      [versionsPath]: sometimes(versionsPath, { versions: ["v1.1"] }),
    });
    const env = { setTimeout: (callback: () => void, ms: number) => setTimeout(callback, ms === 500 ? 0 : ms) };
    const found = await discoverAt(wire, "example.org", { env });
    expect(found.versions).toEqual({ versions: ["v1.1"] });
    expect(wire.requests).toHaveLength(6);
    failures.set(wellKnownPath, [503, 503, 503, 503]);
    await expect(discoverAt(wire, "example.org", { env })).rejects.toThrow(/was 503.*; try again, or/);
    expect(failures.get(wellKnownPath)).toHaveLength(1);
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
    ["nested deeper than any such document", `{"versions":["v1.1"],"a":${nested(10_000)}}`],
    ["with a number that cannot be stored", '{"versions":["v1.1"],"a":1e999}'],
    ["larger than 64 KiB", JSON.stringify({ ...versions, padding: "x".repeat(65_536) })],
    ["answered with another status", status(201, JSON.stringify(versions))],
    ["an object in the place of the list", '{"versions":{}}'],
    ["HTML", "<h1>Welcome</h1>"],
    ["never sent", silent],
  ])("goes no further when the versions are %s", async (_, answer) => {
    const wire = await serve({ [wellKnownPath]: wellKnown, [versionsPath]: answer });
    const error = await discoverAt(wire, "example.org", { timeoutMs: 100 }).catch((reason: unknown) => reason);
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

  describe("following redirects of the well-known document", () => {
    const to =
      (location: string, code = 302): RequestListener =>
      (_, response) =>
        response.writeHead(code, { location }).end();

    /** What the server is asked on the way from one redirect to the next, and what comes of it. */
    async function follow(locations: Record<string, string>, server = "example.org", options: DiscoverOptions = {}) {
      const redirects = Object.entries(locations).map(([path, location]) => [path, to(location)]);
      const paths = { "/there": wellKnown, [versionsPath]: versions, ...Object.fromEntries(redirects) };
      const wire = await serve(paths as Record<string, unknown>);
      const outcome = await discoverAt(wire, server, options).catch((error: unknown) => error);
      return { outcome, requests: wire.requests };
    }

    it.each([301, 302, 303, 307, 308])("follows a %i, to another host too", async (code) => {
      const wire = await serve({
        [wellKnownPath]: to("https://www.example.org/there?from=there#here", code),
        "/there?from=there": wellKnown,
        [versionsPath]: versions,
      });
      expect(await discoverAt(wire, "example.org")).toMatchObject({ wellKnown });
    });

    it("takes the answer for missing when it is missing where it was redirected to", async () => {
      const { outcome } = await follow({ [wellKnownPath]: "/nowhere" });
      expect(outcome).toMatchObject({ outcome: "IGNORE" });
    });

    it("takes a redirect to nowhere for no document", async () => {
      const nowhere: RequestListener = (_, response) => response.writeHead(302).end();
      const wire = await serve({ [wellKnownPath]: nowhere });
      await expect(discoverAt(wire, "example.org")).rejects.toMatchObject({ outcome: "FAIL_PROMPT" });
    });

    it("follows five redirects", async () => {
      const { outcome } = await follow({
        [wellKnownPath]: "/2",
        "/2": "/3",
        "/3": "/4",
        "/4": "/5",
        "/5": "/there",
      });
      expect(outcome).toMatchObject({ wellKnown });
    });

    it("follows no sixth one, and so no loop (threat 21)", async () => {
      const { outcome, requests } = await follow({ [wellKnownPath]: wellKnownPath });
      expect(outcome).toMatchObject({ outcome: "FAIL_PROMPT", message: expect.stringContaining("5 times") as string });
      expect(requests).toHaveLength(6);
    });

    it.each([
      ["without encryption", "http://www.example.org/there"],
      ["without encryption to this machine", "http://localhost/there"],
      ["to this machine", "https://127.0.0.1/there"],
      ["to a service of the machine's host", "https://169.254.169.254/latest/meta-data"],
      ["with a user", "https://alice:secret@www.example.org/there"],
      ["to a file", "file:///etc/passwd"],
      ["to data", `data:application/json,${encodeURIComponent(JSON.stringify(wellKnown))}`],
      ["through backslashes to this machine", "\\\\localhost\\there"],
    ])("does not follow one that leads %s: it is not asked (threats 21, 23)", async (_, location) => {
      const { outcome, requests } = await follow({ [wellKnownPath]: "/2", "/2": location });
      expect(outcome).toBeInstanceOf(DiscoveryError);
      expect(outcome).toMatchObject({ outcome: "FAIL_PROMPT" });
      expect((outcome as Error).message).toMatch(/redirected to "(https?|file|data):\/\/[^/]*", which is /);
      expect((outcome as Error).message).not.toContain("secret");
      expect(requests).toEqual([`GET ${wellKnownPath}`, "GET /2"]);
    });

    it("follows one to a private place when that is allowed, and never one without encryption", async () => {
      const allowed = { allowPrivate: true, allowHttp: true };
      const inside = await follow({ [wellKnownPath]: "https://10.0.0.1/there" }, "example.org", allowed);
      expect(inside.outcome).toMatchObject({ wellKnown });
      const plain = await follow({ [wellKnownPath]: "http://www.example.org/there" }, "example.org", allowed);
      expect(plain.outcome).toMatchObject({ outcome: "FAIL_PROMPT" });
    });

    it("sends no header of ours along the way (threat 21)", async () => {
      const seen: unknown[] = [];
      const remember: RequestListener = (request, response) => {
        seen.push(request.headers.authorization, request.headers.cookie, request.headers.referer);
        response.writeHead(302, { location: "/there", "set-cookie": "a=b" }).end();
      };
      const there: RequestListener = (request, response) => {
        seen.push(request.headers.authorization, request.headers.cookie, request.headers.referer);
        response.end(JSON.stringify(wellKnown));
      };
      const wire = await serve({ [wellKnownPath]: remember, "/there": there, [versionsPath]: versions });
      await discoverAt(wire, "example.org");
      expect(seen).toEqual(Array.from({ length: 6 }));
    });

    it("gives up on a redirect whose own body has no end (threat 21)", async () => {
      const endlessly: RequestListener = (request, response) => {
        response.writeHead(302, { location: "/there" });
        endless(request, response);
      };
      const wire = await serve({ [wellKnownPath]: endlessly, "/there": wellKnown, [versionsPath]: versions });
      await expect(discoverAt(wire, "example.org")).rejects.toThrow("larger than 65536 bytes");
    });

    describe("where the runtime hides them, as browsers do", () => {
      /** Where the redirect of the well-known document has led to, a browser would say; the rest stays on the wire. */
      const hiding = async (landing: string) => {
        const wire = await serve({ [wellKnownPath]: to("/there"), "/there": wellKnown, [versionsPath]: versions });
        const fetch = fetchAt(wire, true);
        const browserFetch: Fetch = async (url, init) => {
          const response = await fetch(url, init);
          return init.redirect === "follow" ? { ...response, url: landing } : response;
        };
        return discover("example.org", { env: { fetch: browserFetch } });
      };

      it("lets it follow by itself", async () => {
        expect(await hiding("https://www.example.org/there")).toMatchObject({ wellKnown });
      });

      it.each(["http://www.example.org/there", "https://10.0.0.1/there", "http://localhost:8008/there"])(
        "does not believe what it finds at %s (threats 21, 23)",
        async (landing) => {
          await expect(hiding(landing)).rejects.toMatchObject({ outcome: "FAIL_PROMPT" });
        },
      );
    });
  });

  describe("of a public name", () => {
    const privateUrls = [
      "https://127.0.0.1",
      "https://127.1:8448",
      "https://0x7f000001",
      "https://2130706433",
      "https://0.0.0.0",
      "https://10.1.2.3",
      "https://100.64.0.1",
      "https://169.254.169.254",
      "https://172.16.0.1",
      "https://192.168.1.1:8448/base",
      "https://224.0.0.1",
      "https://[::1]",
      "https://[::]",
      "https://[::ffff:127.0.0.1]",
      "https://[::ffff:8.8.8.8]",
      "https://[fe80::1]",
      "https://[fd00::1]",
      "https://[ff02::1]",
      "https://[64:ff9b::7f00:1]",
      "https://[2002:7f00:1::]",
      "https://[2001::7f00:1]",
      "https://[2001:0:1:2:3:4:5:6]",
      "https://localhost",
      "https://LOCALHOST.",
      "https://a.localhost",
      "https://a.localhost..",
      "https://127.0.0.1..",
      "https://metadata.google.internal",
      "https://intranet",
      "https://intranet.:8448/base",
      "https://router.lan",
      "https://nas.home",
      "https://nas.home.arpa.",
      "https://matrix.example.corp",
      "https://host.localdomain",
    ];

    it.each(privateUrls)("refuses a document that names %s: it is not asked (threat 21)", async (base_url) => {
      const document = { "m.homeserver": { base_url } };
      const wire = await serve({ [wellKnownPath]: document, [versionsPath]: versions });
      const error = await discoverAt(wire, "example.org").catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DiscoveryError);
      expect(error).toMatchObject({ outcome: "FAIL_ERROR" });
      expect((error as Error).message).toContain(JSON.stringify(base_url));
      expect((error as Error).message).toContain("allowPrivate");
      expect(wire.requests).toEqual([`GET ${wellKnownPath}`]);
    });

    it.each([
      "https://8.8.8.8",
      "https://[2001:db8::1]",
      "https://172.32.0.1",
      "https://100.128.0.1:8448",
      "https://[2a00::1]",
      "https://a.b:8448",
      "https://lan.example.org",
      "https://example.wlan",
      "https://matrix.mycorp",
    ])("believes a document that names %s", async (base_url) => {
      const document = { "m.homeserver": { base_url } };
      const wire = await serve({ [wellKnownPath]: document, [versionsPath]: versions });
      expect(await discoverAt(wire, "example.org")).toMatchObject({
        baseClientUrl: `${base_url}/_matrix/client/`,
      });
    });

    it("is led into a private network when that is allowed", async () => {
      const document = { "m.homeserver": { base_url: "https://10.1.2.3" } };
      const wire = await serve({ [wellKnownPath]: document, [versionsPath]: versions });
      const found = await discoverAt(wire, "example.org", { allowPrivate: true });
      expect(found.baseClientUrl).toBe("https://10.1.2.3/_matrix/client/");
    });

    it.each(["10.0.0.1", "localhost", "[fd00::1]", "https://nas.local", "intranet", "matrix.lan"])(
      "is not what %s is: it leads to any place",
      async (server) => {
        const document = { "m.homeserver": { base_url: "https://10.1.2.3" } };
        const wire = await serve({ [wellKnownPath]: document, [versionsPath]: versions });
        const found = await discoverAt(wire, server);
        expect(found.baseClientUrl).toBe("https://10.1.2.3/_matrix/client/");
      },
    );

    it.each([
      ["a file", "file:///etc/passwd"],
      ["a user", "https://alice@matrix.example.org"],
      ["a query", "https://matrix.example.org/?a=b"],
      ["a fragment", "https://matrix.example.org/#a"],
      ["a backslash", "https://matrix.example.org\\@evil.example"],
      ["a line break", "https://matrix.example.org\n/a"],
    ])("refuses a document whose base URL is or has %s (threat 21)", async (_, base_url) => {
      const wire = await serve({ [wellKnownPath]: { "m.homeserver": { base_url } }, [versionsPath]: versions });
      await expect(discoverAt(wire, "example.org")).rejects.toMatchObject({ outcome: "FAIL_ERROR" });
      expect(wire.requests).toEqual([`GET ${wellKnownPath}`]);
    });

    it.each([
      ["slashes", `https://matrix.example.org${"/".repeat(60_000)}a`],
      ["dots", `https://a${".".repeat(60_000)}b`],
    ])("takes no time for a base URL of many %s (threat 20)", async (_, base_url) => {
      const wire = await serve({ [wellKnownPath]: { "m.homeserver": { base_url } } });
      const startedAt = performance.now();
      await expect(discoverAt(wire, "example.org")).rejects.toMatchObject({ outcome: "FAIL_ERROR" });
      expect(performance.now() - startedAt).toBeLessThan(1500);
    });

    it("keeps what a hostile document holds to itself (threat 21)", async () => {
      const document = `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},${JSON.stringify(wellKnown).slice(1)}`;
      const wire = await serve({ [wellKnownPath]: document, [versionsPath]: versions });
      const found = await discoverAt(wire, "example.org");
      expect(found.baseClientUrl).toBe("https://matrix.example.org/_matrix/client/");
      expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    });
  });

  describe("without encryption", () => {
    it.each([
      "http://matrix.example.org",
      "http://10.0.0.1:8008",
      "http://localhost.example.org",
      "http://[fd00::1]/base",
    ])("does not ask %s, and names what would allow it (threat 23)", async (server) => {
      const fetch = vi.fn<Fetch>();
      const error = await discover(server, { env: { fetch } }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: "DiscoveryError", outcome: "FAIL_PROMPT" });
      expect((error as Error).message).toContain(`"${server}"`);
      expect((error as Error).message).toContain("allowHttp: true");
      expect(fetch).not.toHaveBeenCalled();
    });

    it.each(["http://localhost:8008", "http://127.0.0.2:8008", "http://[::1]:8008", "http://a.localhost"])(
      "asks %s, which is this machine",
      async (server) => {
        const wire = await serve({ [versionsPath]: versions });
        const { env } = closing(openEnv());
        const fetch: Fetch = async (url, init) => {
          const { status: code, headers, body } = await env.fetch(wire.url + new URL(url).pathname, init);
          return { status: code, headers, body, url };
        };
        const found = await discover(server, { env: { fetch } });
        expect(found.baseClientUrl).toBe(`${server}/_matrix/client/`);
        expect(found).not.toHaveProperty("allowHttp");
      },
    );

    it("asks any place when that is allowed, and says so to the client", async () => {
      const wire = await serve({
        [wellKnownPath]: { "m.homeserver": { base_url: "http://10.0.0.1" } },
        [versionsPath]: versions,
      });
      const { env } = closing(openEnv());
      const fetch: Fetch = async (url, init) => {
        const { status: code, headers, body } = await env.fetch(wire.url + new URL(url).pathname, init);
        return { status: code, headers, body, url };
      };
      for (const server of ["http://10.0.0.1", "https://example.org"]) {
        const found = await discover(server, { allowHttp: true, allowPrivate: true, env: { fetch } });
        expect(found).toMatchObject({ baseClientUrl: "http://10.0.0.1/_matrix/client/", allowHttp: true });
        await closing(new Client({ storage: new Map(), ...found })).isLoggedIn();
      }
    });

    it("is nothing that an encrypted name leads to, not even on this machine (threat 23)", async () => {
      const document = { "m.homeserver": { base_url: "http://localhost:8008" } };
      const wire = await serve({ [wellKnownPath]: document, [versionsPath]: versions });
      await expect(discoverAt(wire, "example.org", { allowPrivate: true })).rejects.toMatchObject({
        outcome: "FAIL_ERROR",
        message: expect.stringContaining("not encrypted") as string,
      });
    });

    it("is nothing that this machine leads elsewhere with (threat 23)", async () => {
      const document = { "m.homeserver": { base_url: "http://matrix.example.org" } };
      const wire = await serve({ [wellKnownPath]: document, [versionsPath]: versions });
      await expect(discover(wire.url)).rejects.toThrow("allowHttp");
    });

    it("is nothing that a client is made with, unless that is allowed or it was stored (threat 23)", async () => {
      const baseClientUrl = "http://10.0.0.1/_matrix/client/";
      const storage = new Map();
      expect(() => new Client({ storage, baseClientUrl })).toThrow(/"http:\/\/10\.0\.0\.1.*allowHttp: true/);
      const homeserver = () => ({ baseClientUrl });
      await expect(closing(new Client({ storage, homeserver })).isLoggedIn()).rejects.toThrow("allowHttp: true");
      expect(await closing(new Client({ storage, homeserver, allowHttp: true })).isLoggedIn()).toBe(false);
      expect(await closing(new Client({ storage, baseClientUrl, allowHttp: true })).isLoggedIn()).toBe(false);
      expect(await closing(new Client({ storage })).isLoggedIn()).toBe(false);
    });
  });

  it.each([
    ["nests too deep", `{"a":${nested(10_000)}}`],
    ["holds an infinite number", '{"a":1e999}'],
  ])("is nothing that a client is made with when what it found %s", (_, json) => {
    const baseClientUrl = "https://matrix.example.org/_matrix/client/";
    const extra = JSON.parse(json) as object;
    for (const wrong of [{ wellKnown: { ...wellKnown, ...extra } }, { versions: { ...versions, ...extra } }]) {
      expect(() => new Client({ storage: new Map(), baseClientUrl, ...wrong })).toThrow("leave them out");
    }
  });
});
