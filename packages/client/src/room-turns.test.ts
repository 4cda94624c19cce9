import { describe, expect, it } from "vitest";
import { RoomTurns } from "./room-turns.js";

describe("RoomTurns", () => {
  it("runs what is done for one room one after the other, in the order of the calls, also after a failure", async () => {
    const turns = new RoomTurns();
    const log: string[] = [];
    const task =
      (name: string, ticks: number, fails = false) =>
      async (): Promise<string> => {
        log.push(`${name} begins`);
        for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
        log.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      };
    const results = await Promise.allSettled([
      turns.take("!a", task("one", 9)),
      turns.take("!a", task("two", 5, true)),
      turns.take("!a", task("three", 0)),
    ]);
    expect(log).toEqual(["one begins", "one ends", "two begins", "two ends", "three begins", "three ends"]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("lets rooms go on without waiting for each other", async () => {
    const turns = new RoomTurns();
    const stuck = turns.take("!a", () => new Promise<never>(() => {}));
    expect(await turns.take("!b", async () => "free")).toBe("free");
    void stuck;
  });
});
