import { describe, expect, test } from "vitest";
import { exportStorage } from "./export-storage.js";
import { memoryStorage } from "./memory.js";
import type { Storage } from "./storage.js";

async function textOf(storage: Storage): Promise<string> {
  let all = "";
  for await (const text of exportStorage(storage)) all += text;
  return all;
}

describe("exportStorage", () => {
  test("writes a header, a line for each entry, and a footer", async () => {
    await using storage = memoryStorage();
    await storage.set("token", { text: "s3cret", key: Uint8Array.of(1, 2, 3) });
    await storage.namespace("alice").namespace("rooms/=").set("!a:example.org", { $bytes: "of the user" });
    await storage.namespace("alice").set("count", 2);
    expect(await textOf(storage)).toBe(
      [
        '{"format":"storage-export","version":1}',
        '{"namespace":[],"key":"token","value":{"text":"s3cret","key":{"$bytes":"AQID"}}}',
        '{"namespace":["alice"],"key":"count","value":2}',
        '{"namespace":["alice","rooms/="],"key":"!a:example.org","value":{"$$bytes":"of the user"}}',
        '{"entries":3}',
        "",
      ].join("\n"),
    );
  });

  test("has nothing of what is outside the namespace that it is given", async () => {
    await using storage = memoryStorage();
    await storage.set("outside", 1);
    await storage.namespace("alice").set("inside", 1);
    expect(await textOf(storage.namespace("alice"))).toBe(
      '{"format":"storage-export","version":1}\n{"namespace":[],"key":"inside","value":1}\n{"entries":1}\n',
    );
  });

  test("writes no line break into a line, for any reader of lines", async () => {
    await using storage = memoryStorage();
    const breaks = "\n\r\u0085\u2028\u2029\v\f\u001c";
    await storage.namespace(breaks).set(breaks, breaks);
    const text = await textOf(storage);
    for (const each of breaks.slice(1)) expect(text).not.toContain(each);
    const lines = text.split("\n");
    expect(lines).toHaveLength(4);
    expect(JSON.parse(lines[1] ?? "")).toEqual({ namespace: [breaks], key: breaks, value: breaks });
  });

  test("writes a value that is nested as deep as a storage allows", async () => {
    await using storage = memoryStorage();
    await storage.set("deep", JSON.parse("[".repeat(100) + "]".repeat(100)));
    expect(await textOf(storage)).toContain("[".repeat(100));
  });

  test("puts many lines into one text, ends each text with a line, and tells how far it is", async () => {
    await using storage = memoryStorage();
    await storage.transaction((transaction) => {
      for (let index = 0; index < 3000; index++) transaction.set(`key ${index}`, "x".repeat(20));
    });
    const progress: number[] = [];
    const texts: string[] = [];
    for await (const text of exportStorage(storage, { onProgress: ({ entries }) => progress.push(entries) })) {
      texts.push(text);
    }
    expect(texts.length).toBeGreaterThan(2);
    expect(texts.length).toBeLessThan(30);
    for (const text of texts) expect(text).toMatch(/\n$/);
    expect(progress).toHaveLength(texts.length);
    expect(progress.at(-1)).toBe(3000);
    expect(progress[0]).toBe((texts[0] ?? "").split("\n").length - 2);
  });

  test("ends with the reason of its signal", async () => {
    await using storage = memoryStorage();
    const reason = new Error("enough");
    await expect(exportStorage(storage, { signal: AbortSignal.abort(reason) }).next()).rejects.toBe(reason);
    const controller = new AbortController();
    await storage.transaction((transaction) => {
      for (let index = 0; index < 3000; index++) transaction.set(`key ${index}`, "x".repeat(20));
    });
    const texts = exportStorage(storage, { signal: controller.signal });
    await texts.next();
    controller.abort(reason);
    await expect(texts.next()).rejects.toBe(reason);
  });
});
