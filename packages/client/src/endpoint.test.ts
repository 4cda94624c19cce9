import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkBaseClientUrl, endpoint, urlOf } from "./endpoint.js";

const base = "https://matrix.example.org/_matrix/client/";

describe("endpoint", () => {
  it("escapes what it is given, so that each value stays one part of the path", () => {
    expect(endpoint`v3/rooms/${"!a/b?c#d:e"}/state`).toBe("v3/rooms/!a%2Fb%3Fc%23d%3Ae/state");
  });

  it.each(["", ".", "..", "\ud800", undefined, 7])("refuses %j, which cannot be a part of a path", (value) => {
    expect(() => endpoint`v3/rooms/${value as string}/leave`).toThrow(TypeError);
  });

  it("keeps every other string a part of its own, on the way through a URL", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (value) => {
        fc.pre(value !== "." && value !== "..");
        const { pathname } = new URL(urlOf(base, endpoint`v3/rooms/${value}/leave`));
        const parts = pathname.split("/");
        expect(parts).toHaveLength(7);
        expect(decodeURIComponent(parts[5] ?? "")).toBe(value);
      }),
    );
  });
});

describe("urlOf", () => {
  it("puts an endpoint under the base URL", () => {
    expect(urlOf(base, "v3/sync")).toBe("https://matrix.example.org/_matrix/client/v3/sync");
  });

  it("adds a query, leaves out what is undefined, and repeats lists", () => {
    const query = { since: "a b", timeout: 0, full_state: false, filter: undefined, via: ["x", "y"] };
    expect(new URL(urlOf(base, "v3/sync", query)).search).toBe("?since=a+b&timeout=0&full_state=false&via=x&via=y");
  });

  it.each([
    ["/v3/sync", 'leave out the "/"'],
    ["v3/sync?since=1", "pass a query as one"],
    ["v3/sync#", "pass a query as one"],
    ["v3/a b", "not escaped"],
    ["v3/é", "not escaped"],
    ["v3\\sync", "leads elsewhere"],
    ["../../evil", "leads elsewhere"],
    ["v3/%2e%2E/evil", "leads elsewhere"],
    ["..\u0000", "leads elsewhere"],
    ["v3/.\n./evil", "leads elsewhere"],
    ["v3/./sync", "leads elsewhere"],
    ["v3//sync", "leads elsewhere"],
    ["", "not one like"],
    [undefined, "not one like"],
  ])("refuses the endpoint %j", (path, wayOut) => {
    expect(() => urlOf(base, path as string)).toThrow(TypeError);
    expect(() => urlOf(base, path as string)).toThrow(wayOut);
  });

  it("leads nowhere but under the base URL, whatever endpoint it accepts", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from("ab./\\%2eE@:?# \t")) }), (path) => {
        try {
          expect(urlOf(base, path).startsWith(base)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
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
    "https://user:secret@example.org/_matrix/client/",
    "https://example.org/_matrix/client/?x=1",
    "https://example.org/_matrix/client/#x",
    "https://example.org/_matrix/client/?",
    "https://example.org/_matrix/client/#",
    "https://example.org/_matrix/client/ ",
    "",
    null,
    42,
  ])("refuses %j and names it", (url) => {
    expect(() => checkBaseClientUrl(url)).toThrow(TypeError);
    expect(() => checkBaseClientUrl(url)).toThrow(JSON.stringify(url));
  });
});
