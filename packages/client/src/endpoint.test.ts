import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkBaseClientUrl, endpoint, originOf, templateOf, urlOf } from "./endpoint.js";

const base = "https://matrix.example.org/_matrix/client/";

/** Any string at all, with a liking for those that URLs have ideas of their own about. */
const anyString = fc.oneof(
  fc.string({
    unit: fc.constantFrom(...Array.from("ab./\\%2eE5cCf@:?# \t\n;'\"[]|^{}`é💥"), "\0", "\ud800", "\udfff"),
  }),
  fc.string({ unit: fc.constantFrom("a", "/", ".", "%2e", "%2E", "\\", "\n"), maxLength: 8 }),
  fc.string({ unit: "binary" }),
);
const anyPart = anyString.filter((value) => !["", ".", ".."].includes(value) && !/\p{Surrogate}/u.test(value));

describe("endpoint", () => {
  it("escapes what it is given, so that each value stays one part of the path", () => {
    expect(endpoint`v3/rooms/${"!a/b?c#d:e"}/state`.path).toBe("v3/rooms/!a%2Fb%3Fc%23d%3Ae/state");
  });

  it("reads as its path, and has a template in which no value is", () => {
    const send = endpoint`v3/rooms/${"!room"}/send/${"m.room.message"}/${"{}"}`;
    expect(String(send)).toBe("v3/rooms/!room/send/m.room.message/%7B%7D");
    expect(send.template).toBe("v3/rooms/{}/send/{}/{}");
    expect(templateOf(send)).toBe(send.template);
    expect(templateOf("v3/sync")).toBe("v3/sync");
  });

  it.each(["", ".", ".."])("refuses %j, which leads elsewhere (threat 14)", (value) => {
    expect(() => endpoint`v3/rooms/${value}/leave`).toThrow(TypeError);
    expect(() => endpoint`v3/rooms/${value}/leave`).toThrow(`${JSON.stringify(value)} cannot be part of its path`);
  });

  it.each(["\ud800", "a\udc00", "\udc00\ud800"])("refuses %j, half of a character (threat 16)", (value) => {
    expect(() => endpoint`v3/rooms/${value}/leave`).toThrow(TypeError);
    expect(() => endpoint`v3/rooms/${value}/leave`).toThrow(`${JSON.stringify(value)} cannot be part of its path`);
  });

  it.each<unknown>([undefined, null, 7, {}])("refuses %j, which is no string", (value) => {
    expect(() => endpoint`v3/rooms/${value as string}/leave`).toThrow(TypeError);
  });

  it("says no more than the beginning of a long value", () => {
    expect(() => endpoint`v3/${`\ud800${"a".repeat(1e6)}`}`).toThrow(/^.{1,400}$/);
  });

  it("keeps every other string a part of its own, on the way through a URL (threats 14, 16)", () => {
    fc.assert(
      fc.property(anyPart, anyPart, (roomId, type) => {
        const url = urlOf(base, endpoint`v3/rooms/${roomId}/state/${type}`);
        expect(new URL(url).href).toBe(url);
        expect(new URL(url).origin).toBe("https://matrix.example.org");
        const parts = new URL(url).pathname.split("/").map(decodeURIComponent);
        expect(parts).toEqual(["", "_matrix", "client", "v3", "rooms", roomId, "state", type]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("urlOf", () => {
  it("puts an endpoint under the base URL", () => {
    expect(urlOf(base, "v3/sync")).toBe("https://matrix.example.org/_matrix/client/v3/sync");
    expect(urlOf(base, endpoint`v3/sync`)).toBe("https://matrix.example.org/_matrix/client/v3/sync");
  });

  it("leaves the empty state key at the end of a path", () => {
    expect(urlOf(base, "v3/rooms/!r/state/m.room.name/")).toBe(`${base}v3/rooms/!r/state/m.room.name/`);
  });

  it("adds a query, leaves out what is undefined, and repeats lists", () => {
    const query = { since: "a b", timeout: 0, full_state: false, filter: undefined, via: ["x", "y"] };
    expect(new URL(urlOf(base, "v3/sync", query)).search).toBe("?since=a+b&timeout=0&full_state=false&via=x&via=y");
  });

  it("adds nothing for a query without values", () => {
    expect(urlOf(base, "v3/sync", { filter: undefined, via: [] })).toBe(`${base}v3/sync`);
  });

  it.each([
    ["/v3/sync", 'leave out the "/"'],
    ["v3/sync?since=1", "pass a query as one"],
    ["v3/sync#", "pass a query as one"],
    ["v3/a b", "not escaped"],
    ["v3/é", "not escaped"],
    ["v3/\ud800", "not escaped"],
    ["v3/[::1]", "not escaped"],
    ["v3\\sync", "leads elsewhere"],
    ["../../evil", "leads elsewhere"],
    ["v3/..", "leads elsewhere"],
    ["v3/%2e%2E/evil", "leads elsewhere"],
    ["v3/.%2e/evil", "leads elsewhere"],
    ["%2E./evil", "leads elsewhere"],
    ["v3/%2e", "leads elsewhere"],
    ["..\u0000", "leads elsewhere"],
    ["v3/.\n./evil", "leads elsewhere"],
    ["v3/sync\n", "leads elsewhere"],
    ["v3/./sync", "leads elsewhere"],
    ["v3//sync", "leads elsewhere"],
    ["v3/sync//", "leads elsewhere"],
    ["", "not one like"],
    [undefined, "not one like"],
    [null, "not one like"],
    [{}, "not one like"],
  ])("refuses the endpoint %j (threat 14)", (path, wayOut) => {
    expect(() => urlOf(base, path as string)).toThrow(TypeError);
    expect(() => urlOf(base, path as string)).toThrow(wayOut);
  });

  it("refuses dots that are put together by a template (threat 14)", () => {
    expect(() => urlOf(base, endpoint`v3/%2${"e"}/evil`)).toThrow("leads elsewhere");
    expect(() => urlOf(base, endpoint`../${"evil"}`)).toThrow("leads elsewhere");
  });

  it("accepts three dots, and dots beside something", () => {
    for (const path of ["v3/...", "v3/..a/b", "v3/%2e%2e%2e/x", "v3/.well-known/%252e"])
      expect(urlOf(base, path)).toBe(base + path);
  });

  it("leads nowhere but under the base URL, whatever endpoint it accepts (threat 14)", () => {
    fc.assert(
      fc.property(anyString, (path) => {
        let url: string;
        try {
          url = urlOf(base, path);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return;
        }
        expect(url).toBe(base + path);
        expect(new URL(url).href).toBe(url);
      }),
      { numRuns: 5000 },
    );
  });

  it("brings every query through a URL as it is", () => {
    const parameters = fc.dictionary(anyPart, fc.oneof(anyPart, fc.array(anyPart), fc.integer(), fc.boolean()));
    fc.assert(
      fc.property(parameters, (query) => {
        fc.pre(!("access_token" in query));
        const url = urlOf(base, "v3/sync", query);
        expect(new URL(url).href).toBe(url);
        expect([...new URL(url).searchParams]).toEqual(
          Object.entries(query).flatMap(([name, value]) => [value].flat().map((single) => [name, String(single)])),
        );
      }),
    );
  });

  it("refuses an access token in a query, and does not repeat it (threats 3, 4)", () => {
    const attempt = (): string => urlOf(base, "v3/sync", { access_token: "syt_secret" });
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(/"access_token".*leave it out/);
    expect(attempt).not.toThrow("syt_secret");
  });

  it("refuses half of a character in a query, which a URL would replace (threat 16)", () => {
    expect(() => urlOf(base, "v3/sync", { via: ["a", "\ud800"] })).toThrow(TypeError);
  });

  it("takes time in proportion to the path (threat 20)", () => {
    const hostile = ["%2e", "./", "a", "..a/"].map((unit) => `${unit.repeat(20_000)}?`);
    const startedAt = performance.now();
    for (const path of hostile) expect(() => urlOf(base, path)).toThrow(TypeError);
    expect(performance.now() - startedAt).toBeLessThan(100);
  });
});

describe("originOf", () => {
  it.each(["https://a/b/_matrix/client/", "http://a/_matrix/client/", "https://[::1]:8448/_matrix/client/"])(
    "is the origin of %s",
    (url) => {
      expect(originOf(checkBaseClientUrl(url))).toBe(new URL(url).origin);
    },
  );
});

describe("checkBaseClientUrl", () => {
  it("returns the normal form, so that one base URL is not taken for two", () => {
    expect(checkBaseClientUrl("HTTPS://Matrix.Example.org:443/_matrix/client/")).toBe(base);
  });

  it.each([
    "https://matrix.example.org/_matrix/client/",
    "http://localhost:8008/_matrix/client/",
    "https://a/b/_matrix/client/",
  ])("accepts %s", (url) => {
    expect(checkBaseClientUrl(url)).toBe(url);
  });

  it.each([
    ["https://matrix.example.org/_matrix/client", "https://matrix.example.org/_matrix/client/"],
    ["https://matrix.example.org", "https://matrix.example.org/_matrix/client/"],
    ["https://matrix.example.org/", "https://matrix.example.org/_matrix/client/"],
    ["https://example.org/matrix/", "https://example.org/matrix/_matrix/client/"],
    ["https://matrix.example.org/_matrix/client/v3/", "https://matrix.example.org/_matrix/client/"],
  ])("refuses %s and suggests %s", (url, suggestion) => {
    expect(() => checkBaseClientUrl(url)).toThrow(TypeError);
    expect(() => checkBaseClientUrl(url)).toThrow(`it may be "${suggestion}"`);
  });

  it.each([
    "matrix.example.org",
    "ftp://example.org/_matrix/client/",
    "https://example.org/_matrix/client/?x=1",
    "https://example.org/_matrix/client/#x",
    "https://example.org/_matrix/client/?",
    "https://example.org/_matrix/client/#",
    "https://example.org/_matrix/client/ ",
    "",
  ])("refuses %j and names it", (url) => {
    expect(() => checkBaseClientUrl(url)).toThrow(TypeError);
    expect(() => checkBaseClientUrl(url)).toThrow(JSON.stringify(url));
  });

  it.each([null, 42, ["https://user:secret@example.org/"], "https://user:secret@example.org/_matrix/client/"])(
    "refuses %j without the password in it (threat 4)",
    (url) => {
      expect(() => checkBaseClientUrl(url)).toThrow(TypeError);
      expect(() => checkBaseClientUrl(url)).not.toThrow("secret");
    },
  );
});
