import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { Publisher } from "./index.js";

test("the example in the README runs, and is the code below", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});

  // from here
  class OrderPlaced {
    readonly total: number;
    constructor(total: number) {
      this.total = total;
    }
  }
  class GiftOrdered extends OrderPlaced {}

  const publisher = new Publisher();
  publisher.subscribe(OrderPlaced, async ({ total }) => console.log(`${total} to pay`));
  publisher.subscribe([GiftOrdered], () => console.log("wrap it"));
  await publisher.publish(new GiftOrdered(12)); // "12 to pay", then "wrap it"
  // to here

  expect(log.mock.calls).toEqual([["12 to pay"], ["wrap it"]]);
  log.mockRestore();

  const source = readFileSync(new URL(import.meta.url), "utf8");
  const example = source.slice(source.indexOf("// from here\n") + 13, source.indexOf("  // to here"));
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  expect(readme).toContain(`import { Publisher } from "@mx/pubsub";\n\n${example.replaceAll(/^ {2}/gm, "")}`);
});
