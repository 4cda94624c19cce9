import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cryptography } from "../env.js";
import { NodeSealer } from "./node-sealer.js";
import type { Sealer } from "./sealer.js";
import { WebSealer } from "./web-sealer.js";

const encryptionKey = Uint8Array.from({ length: 32 }, (_, index) => index);
const nonceKey = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);

function nodeSealer(): NodeSealer {
  const node = cryptography.node();
  if (node === undefined) throw new Error("this is no Node");
  return new NodeSealer(node, encryptionKey, nonceKey);
}

const sealers: readonly [name: string, make: () => Sealer | Promise<Sealer>][] = [
  ["Node", nodeSealer],
  ["the web", () => WebSealer.make(encryptionKey, nonceKey)],
];

const text = fc.string({ unit: "binary", maxLength: 40 });

test("Node's cryptography and that of the web write the same, and read what the other has written", async () => {
  const node = nodeSealer();
  const web = await WebSealer.make(encryptionKey, nonceKey);
  const property = fc.asyncProperty(text, text, async (place, plain) => {
    const sealed = node.seal(place, plain);
    expect(await web.seal(place, plain)).toBe(sealed);
    expect(await web.open(place, sealed)).toBe(plain);
    expect(node.open(place, sealed)).toBe(plain);
  });
  await fc.assert(property, {
    examples: [
      ["\ufeff", "\ufeff"],
      ["", ""],
      ["a/=k", "x".repeat(100_000)],
    ],
  });
});

describe.each(sealers)("with the cryptography of %s", (_, make) => {
  test("what is stored is what the format says", async () => {
    const sealer = await make();
    expect(await sealer.seal("a/=k", '{"text":"é"}')).toMatchInlineSnapshot(
      `"CkOUrD2jazM6BUn8O93P9IyO_ym8RVvc1lMWujLMrvUFSwC_K1ggiAw"`,
    );
  });

  test("nothing opens at another place, with a character changed, added or removed, or written in another way", async () => {
    const sealer = await make();
    const sealed = await sealer.seal("a/=k", "the text");
    expect(await sealer.open("a/=k", sealed)).toBe("the text");
    expect(await sealer.open("a/=l", sealed)).toBeUndefined();
    expect(await sealer.open("", sealed)).toBeUndefined();
    for (let index = 0; index < sealed.length; index++) {
      for (const other of ["A", "B", "Q", "_", "=", "\n"]) {
        if (other === sealed[index]) continue;
        const changed = `${sealed.slice(0, index)}${other}${sealed.slice(index + 1)}`;
        expect(await sealer.open("a/=k", changed)).toBeUndefined();
      }
      expect(await sealer.open("a/=k", sealed.slice(0, index))).toBeUndefined();
    }
    for (const other of [`${sealed}A`, `${sealed}=`, ` ${sealed}`]) {
      expect(await sealer.open("a/=k", other)).toBeUndefined();
    }
  });

  test("a text looks the same each time, and different at each place", async () => {
    const sealer = await make();
    expect(await sealer.seal("a", "bc")).toBe(await sealer.seal("a", "bc"));
    const looks = [await sealer.seal("a", "bc"), await sealer.seal("ab", "c"), await sealer.seal("", "abc")];
    // The nonces, too.
    expect(new Set(looks.map((look) => look.slice(0, 16))).size).toBe(3);
  });
});
