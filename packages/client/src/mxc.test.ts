import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMxcUri } from "./mxc.js";

const long = (length: number): string => "a".repeat(length);

/** What hostile or broken URIs are refused with. */
const hostileMxcUris: readonly (readonly [uri: string, found: string])[] = [
  ["mxc://../..", "no server name"],
  ["mxc://../abc", "no server name"],
  ["mxc://./abc", "no server name"],
  ["mxc://hs/..", "media ID is not of"],
  ["mxc://hs/.", "media ID is not of"],
  ["mxc://hs/../../../v3/account/whoami", "media ID is not of"],
  ["mxc://hs/a/b", "media ID is not of"],
  ["mxc://hs/a/", "media ID is not of"],
  ["mxc://hs//a", "media ID is not of"],
  ["mxc://hs/", "media ID is not of"],
  ["mxc:///a", "no server name"],
  ["mxc://hs", "no media ID"],
  ["mxc://", "no media ID"],
  ["mxc:hs/a", 'does not begin with "mxc://"'],
  ["", 'does not begin with "mxc://"'],
  ["MXC://hs/a", 'does not begin with "mxc://"'],
  [" mxc://hs/a", 'does not begin with "mxc://"'],
  ["https://hs/a", 'does not begin with "mxc://"'],
  ["javascript:alert(1)//mxc://hs/a", 'does not begin with "mxc://"'],
  ["mxc://hs/a?allow_redirect=true", "media ID is not of"],
  ["mxc://hs?x/a", "no server name"],
  ["mxc://hs/a#x", "media ID is not of"],
  ["mxc://hs#/a", "no server name"],
  ["mxc://hs/%2e%2e", "media ID is not of"],
  ["mxc://%2e%2e/a", "no server name"],
  ["mxc://hs%2f..%2fevil/a", "no server name"],
  ["mxc://user:pw@hs/a", "no server name"],
  ["mxc://hs\\@evil/a", "no server name"],
  ["mxc://hs/..\\evil", "media ID is not of"],
  ["mxc://hs/a\n", "media ID is not of"],
  ["mxc://hs\r\nx: y/a", "no server name"],
  ["mxc://hs/\0", "media ID is not of"],
  ["mxc://hs/\ud800", "media ID is not of"],
  ["mxc://\udc00/a", "no server name"],
  ["mxc://hs/é", "media ID is not of"],
  ["mxc://bücher.example/a", "no server name"],
  ["mxc://h_s/a", "no server name"],
  ["mxc://a..b/a", "no server name"],
  ["mxc://.hs/a", "no server name"],
  ["mxc://hs./a", "no server name"],
  ["mxc://hs:/a", "no server name"],
  ["mxc://hs:123456/a", "no server name"],
  ["mxc://hs:8x/a", "no server name"],
  ["mxc://[::1/a", "no server name"],
  ["mxc://[]/a", "no server name"],
  ["mxc://[::1]x/a", "no server name"],
  ["mxc://[fe80::1%25eth0]/a", "no server name"],
  [`mxc://hs/${long(256)}`, "media ID is not of"],
  [`mxc://${long(256)}/a`, "no server name"],
];

describe("parseMxcUri", () => {
  it.each([
    ["mxc://matrix.org/ascERGshawAWawugaAcauga", "matrix.org", "ascERGshawAWawugaAcauga"],
    ["mxc://Example.org:8448/2024-01-01_Ab", "Example.org:8448", "2024-01-01_Ab"],
    ["mxc://1.2.3.4/-", "1.2.3.4", "-"],
    ["mxc://[2001:DB8::1]:443/_", "[2001:DB8::1]:443", "_"],
    ["mxc://[::ffff:1.2.3.4]/a", "[::ffff:1.2.3.4]", "a"],
    ["mxc://localhost/a", "localhost", "a"],
    [`mxc://${long(255)}/${long(255)}`, long(255), long(255)],
  ])("reads %s", (uri, serverName, mediaId) => {
    expect(parseMxcUri(uri)).toEqual({ serverName, mediaId });
  });

  it.each(hostileMxcUris)("refuses %j, and says why (threats 15, 16)", (uri, found) => {
    expect(() => parseMxcUri(uri)).toThrow(TypeError);
    expect(() => parseMxcUri(uri)).toThrow(found);
  });

  it.each<unknown>([undefined, null, 7, {}, ["mxc://hs/a"]])("refuses %j, which is no string", (uri) => {
    expect(() => parseMxcUri(uri as string)).toThrow(/Cannot use the content URI (undefined|object|number)/);
  });

  it("is quick about long ones and repeats little of them (threats 15, 20)", () => {
    const startedAt = performance.now();
    for (const unit of ["a", "a.", "-", ":1", "/", "[", "%2e"])
      expect(() => parseMxcUri(`mxc://${unit.repeat(1e6)}/a`)).toThrow(/^.{1,400}$/);
    expect(performance.now() - startedAt).toBeLessThan(200);
  });

  it("accepts nothing that is not whole in its two parts (threat 15)", () => {
    const anything = fc.string({ unit: fc.constantFrom(...Array.from("ab.-_:/\\%2e@?#[]é\n ")), maxLength: 12 });
    fc.assert(
      fc.property(anything, (rest) => {
        try {
          const { serverName, mediaId } = parseMxcUri(`mxc://${rest}`);
          expect(`${serverName}/${mediaId}`).toBe(rest);
          expect(mediaId).toMatch(/^[A-Za-z0-9_-]+$/);
          expect(new URL(`http://${serverName}/`).pathname).toBe("/");
        } catch (error) {
          expect(error).toMatchObject({ message: expect.stringMatching(/^Cannot use the content URI/) });
        }
      }),
      { numRuns: 3000 },
    );
  });
});
