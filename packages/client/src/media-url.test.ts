import { expect, it } from "vitest";
import { Client } from "./client.js";
import { mediaUrl } from "./media-url.js";
import { closing } from "./testing/closing.js";
import { startWire } from "./testing/wire.js";

const base = "https://matrix.example.org/_matrix/client/";

it("is the URL where content is downloaded with an access token", () => {
  expect(mediaUrl(base, "mxc://example.org:8448/abc_12-3")).toBe(
    `${base}v1/media/download/example.org%3A8448/abc_12-3`,
  );
  expect(mediaUrl(base, "mxc://[::1]/abc")).toBe(`${base}v1/media/download/%5B%3A%3A1%5D/abc`);
});

it("is the URL of a thumbnail when its size is given", () => {
  const thumbnail = { width: 64, height: 48 };
  const url = `${base}v1/media/thumbnail/example.org/abc?width=64&height=48`;
  expect(mediaUrl(base, "mxc://example.org/abc", { thumbnail })).toBe(url);
  expect(mediaUrl(base, "mxc://example.org/abc", { thumbnail: { ...thumbnail, method: "crop" } })).toBe(
    `${url}&method=crop`,
  );
});

it.each([0, -1, 1.5, NaN, Infinity, "64" as never])("refuses a thumbnail of %j pixels", (size) => {
  const sizes = [
    { width: size, height: 48 },
    { width: 64, height: size },
  ];
  for (const thumbnail of sizes)
    expect(() => mediaUrl(base, "mxc://example.org/abc", { thumbnail })).toThrow("pass whole pixels");
});

it("lets no URI but the first lead to a request, and that one where it should (threats 3, 15)", async () => {
  const wire = closing(await startWire((_request, response) => response.end()));
  const baseClientUrl = `${wire.url}/_matrix/client/`;
  const client = closing(new Client({ storage: new Map(), baseClientUrl }));
  const uris = [
    "mxc://example.org/abc",
    "mxc://../..",
    "mxc://hs",
    "mxc://hs/",
    "mxc:///abc",
    "mxc://hs/abc?allow_redirect=true",
    "mxc://hs/abc#fragment",
    "mxc://hs/%2e%2e",
    "mxc://hs/../../../v3/account/whoami",
    "mxc://hs/..\\..\\v3",
    "mxc://user:pw@hs/abc",
    "https://hs/abc",
    "MXC://hs/abc",
    "mxc://hs/\ud800",
    `mxc://hs/${"a".repeat(100_000)}`,
  ];
  const outcomes = await Promise.allSettled(uris.map(async (uri) => fetch(await client.mediaUrl(uri))));
  expect(wire.requests).toEqual(["GET /_matrix/client/v1/media/download/example.org/abc"]);
  expect(outcomes.slice(1).every(({ status }) => status === "rejected")).toBe(true);
  for (const uri of uris.slice(1)) await expect(client.mediaUrl(uri)).rejects.toThrow(TypeError);
});
