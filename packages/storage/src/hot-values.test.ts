import { describe, expect, test } from "vitest";
import { HotValues } from "./hot-values.js";

describe("HotValues", () => {
  test("finds what was kept by its full key, and by namespace and key", () => {
    const hot = new HotValues(10_000);
    hot.keep("n/=a", "1");
    hot.keep("=n/=a", "2");
    hot.keep("n/=gone", undefined);
    expect(hot.find("n/=a")?.text).toBe("1");
    expect(hot.get("n/", "a")?.text).toBe("1");
    expect(hot.get("", "n/=a")?.text).toBe("2");
    expect(hot.get("n/", "gone")).toMatchObject({ text: undefined });
    expect(hot.get("n/", "b")).toBeUndefined();
    expect(hot.get("m/", "a")).toBeUndefined();
  });

  test("replaces what is there, and keeps nothing else of what is only written", () => {
    const hot = new HotValues(10_000);
    hot.keep("=a", "1");
    hot.replace("=a", "2");
    hot.replace("=b", "2");
    expect(hot.find("=a")?.text).toBe("2");
    expect(hot.find("=b")).toBeUndefined();
  });

  test("forgets one key, a namespace with those inside it, and everything", () => {
    const hot = new HotValues(10_000);
    const keys = ["=a", "n/=a", "n/m/=a", "nn/=a"];
    const found = (): string[] => keys.filter((key) => hot.find(key) !== undefined);
    for (const key of keys) hot.keep(key, "1");
    hot.forget("=a");
    expect(found()).toEqual(["n/=a", "n/m/=a", "nn/=a"]);
    hot.forgetNamespace("n/");
    expect(found()).toEqual(["nn/=a"]);
    hot.forgetAll();
    expect(found()).toEqual([]);
  });

  test("keeps no more than it has room for, and longest what is in use", () => {
    const hot = new HotValues(10_000);
    for (let number = 0; number < 1000; number++) {
      hot.keep(`=${number}`, "1");
      hot.get("", "7");
    }
    const kept = Array.from({ length: 1000 }, (_, number) => number).filter((number) => hot.find(`=${number}`));
    expect(kept).toContain(7);
    expect(kept.length).toBeGreaterThan(20);
    expect(kept.length).toBeLessThan(60);
    expect(Math.min(...kept.filter((number) => number !== 7))).toBeGreaterThan(930);
  });

  test("needs room once for a value that is replaced again and again", () => {
    const hot = new HotValues(10_000);
    hot.keep("=b", "1");
    for (let round = 0; round < 1000; round++) hot.keep("=a", `${round}`);
    expect(hot.find("=b")).toBeDefined();
    expect(hot.find("=a")?.text).toBe("999");
  });

  test("does not give all of its room to one large value", () => {
    const hot = new HotValues(10_000);
    hot.keep("=small", "1");
    hot.keep("=large", "x".repeat(2000));
    expect(hot.find("=large")).toBeUndefined();
    expect(hot.find("=small")).toBeDefined();
  });

  test("answers with a value only for as long as it is what the text says", async () => {
    const hot = new HotValues(10_000);
    hot.keep("n/=a", "1");
    hot.answerWith("n/", "a", "1", 1);
    hot.answerWith("n/", "b", "2", 2);
    expect(await hot.get("n/", "a")?.answer).toBe(1);
    expect(hot.get("n/", "b")).toBeUndefined();
    hot.keep("n/=a", "2");
    hot.answerWith("n/", "a", "1", 1);
    expect(hot.get("n/", "a")).toMatchObject({ text: "2", answer: undefined });
  });

  test("counts what it holds right, whatever was replaced and forgotten", () => {
    const hot = new HotValues(10_000);
    for (let round = 0; round < 500; round++) {
      hot.keep(`n${round % 3}/=a`, "x".repeat(round % 200));
      if (round % 5 === 0) hot.forgetNamespace("n1/");
      if (round % 7 === 0) hot.forget("n2/=a");
    }
    for (let number = 0; number < 40; number++) hot.keep(`=${number}`, "1");
    expect(Array.from({ length: 40 }, (_, number) => hot.find(`=${number}`)).filter(Boolean).length).toBeGreaterThan(
      30,
    );
  });
});
