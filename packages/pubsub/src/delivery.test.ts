// oxlint-disable unicorn/no-thenable -- subscribers return them
import { afterEach, describe, expect, test, vi } from "vitest";
import { Publisher, type Subscriber, type SubscriptionId } from "./index.js";

class Note {
  readonly text: string;
  constructor(text = "note") {
    this.text = text;
  }
}

/** A promise and what settles it. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** Longer than any chain of promises here. */
async function ticks(): Promise<void> {
  for (let tick = 0; tick < 20; tick++) await Promise.resolve();
}

describe("publish", () => {
  test("calls the next subscriber when the one before is done", async () => {
    const publisher = new Publisher();
    const seen: string[] = [];
    const { opened, open } = gate();
    publisher.subscribe(Note, async () => {
      seen.push("first starts");
      await opened;
      seen.push("first ends");
    });
    publisher.subscribe(Note, () => seen.push("second"));
    publisher.subscribe(Note, async () => seen.push("third"));
    const published = publisher.publish(new Note()).then(() => seen.push("published"));
    await ticks();
    expect(seen).toEqual(["first starts"]);
    open();
    await published;
    expect(seen).toEqual(["first starts", "first ends", "second", "third", "published"]);
  });

  test("has called synchronous subscribers, up to the first asynchronous one, when it returns", async () => {
    const publisher = new Publisher();
    const seen: number[] = [];
    publisher.subscribe(Note, () => seen.push(1));
    publisher.subscribe(Note, () => seen.push(2));
    publisher.subscribe(Note, async () => seen.push(3));
    publisher.subscribe(Note, () => seen.push(4));
    const published = publisher.publish(new Note());
    expect(seen).toEqual([1, 2, 3]);
    await published;
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  test("makes no promise of its own for synchronous subscribers", () => {
    const publisher = new Publisher();
    for (const result of [undefined, null, 5, "then", {}, { then: 5 }]) publisher.subscribe(Note, () => result);
    expect(publisher.publish(new Note())).toBe(publisher.publish(new Note()));
  });

  test.each([(): unknown => 1, async (): Promise<unknown> => 1])("resolves with undefined", async (subscriber) => {
    const publisher = new Publisher();
    publisher.subscribe(Note, subscriber);
    await expect(publisher.publish(new Note())).resolves.toBeUndefined();
    await expect(publisher.publish({})).resolves.toBeUndefined();
  });

  test("waits for whatever has a method then, and for nothing else", async () => {
    const publisher = new Publisher();
    const seen: unknown[] = [];
    const thenable = {
      then(resolve: (value: unknown) => void): void {
        seen.push("then");
        resolve(undefined);
      },
    };
    const results = [thenable, Object.assign(() => {}, thenable), { then: 5 }, 5, "then", null, Symbol.iterator];
    for (const result of results) publisher.subscribe(Note, () => (seen.push(typeof result), result));
    await publisher.publish(new Note());
    expect(seen).toEqual(["object", "then", "function", "then", "object", "number", "string", "object", "symbol"]);
  });

  test("inside a subscriber is delivered at once, depth first", () => {
    const publisher = new Publisher();
    const seen: string[] = [];
    publisher.subscribe(Note, ({ text }) => {
      seen.push(`1${text}`);
      if (text === "A") void publisher.publish(new Note("B"));
    });
    publisher.subscribe(Note, ({ text }) => seen.push(`2${text}`));
    void publisher.publish(new Note("A"));
    expect(seen).toEqual(["1A", "1B", "2B", "2A"]);
  });

  test("inside a subscriber may be awaited, also of the same message", async () => {
    const publisher = new Publisher();
    const seen: number[] = [];
    let depth = 0;
    publisher.subscribe(Note, async (note) => {
      seen.push(++depth);
      if (depth < 3) await publisher.publish(note);
      seen.push(depth--);
    });
    await publisher.publish(new Note());
    expect(seen).toEqual([1, 2, 3, 3, 2, 1]);
  });

  test("does not wait for another: a later message may overtake", async () => {
    const publisher = new Publisher();
    const seen: string[] = [];
    const { opened, open } = gate();
    publisher.subscribe(Note, async ({ text }) => {
      if (text === "slow") await opened;
    });
    publisher.subscribe(Note, ({ text }) => seen.push(text));
    const slow = publisher.publish(new Note("slow"));
    await publisher.publish(new Note("fast"));
    open();
    await slow;
    expect(seen).toEqual(["fast", "slow"]);
  });
});

describe("a subscriber that is removed during a publish", () => {
  /** Three subscribers, and what they do on a call. Returns which of them were called. */
  async function called(
    onCall: (publisher: Publisher, ids: SubscriptionId[], position: number) => unknown,
  ): Promise<number[]> {
    const publisher = new Publisher();
    const seen: number[] = [];
    const ids: SubscriptionId[] = [];
    for (const position of [0, 1, 2]) {
      const id = publisher.subscribe(Note, () => {
        seen.push(position);
        return onCall(publisher, ids, position);
      });
      ids.push(id);
    }
    await publisher.publish(new Note());
    return seen;
  }
  const remove = (publisher: Publisher, id: SubscriptionId | undefined): void => {
    expect(id !== undefined && publisher.unsubscribe(id)).toBe(true);
  };

  test("by itself does not hide the next one", async () => {
    expect(await called((publisher, ids, position) => remove(publisher, ids[position]))).toEqual([0, 1, 2]);
  });
  test("by a later one does not hide anybody", async () => {
    expect(await called((publisher, ids, position) => position === 1 && remove(publisher, ids[0]))).toEqual([0, 1, 2]);
  });
  test("by an earlier one is not called any more", async () => {
    expect(await called((publisher, ids, position) => position === 0 && remove(publisher, ids[1]))).toEqual([0, 2]);
  });
  test("while an earlier one is pending is not called any more", async () => {
    const calls = await called(async (publisher, ids, position) => {
      await ticks();
      if (position === 0) remove(publisher, ids[1]);
    });
    expect(calls).toEqual([0, 2]);
  });
  test("and subscribes again waits for the next message", async () => {
    const publisher = new Publisher();
    const seen: string[] = [];
    publisher.subscribe(Note, ({ text }) => {
      if (text !== "first") return;
      publisher.unsubscribe(second);
      publisher.subscribe(Note, (note) => seen.push(note.text));
    });
    const second = publisher.subscribe(Note, () => seen.push("removed"));
    publisher.subscribe(Note, async () => {});
    await publisher.publish(new Note("first"));
    await publisher.publish(new Note("second"));
    expect(seen).toEqual(["second"]);
  });
});

describe("a subscriber that is added during a publish", () => {
  test.each([
    ["by a synchronous one", (add: () => void): unknown => add()],
    ["by an asynchronous one", async (add: () => void): Promise<void> => add()],
    ["while one is pending", async (add: () => void): Promise<void> => ticks().then(add)],
  ])("%s waits for the next message", async (_name, doAdd) => {
    const publisher = new Publisher();
    const seen: string[] = [];
    let isFirst = true;
    publisher.subscribe(Note, () => {
      if (!isFirst) return undefined;
      isFirst = false;
      return doAdd(() => publisher.subscribe(Note, ({ text }) => seen.push(text)));
    });
    publisher.subscribe(Note, async () => {});
    await publisher.publish(new Note("first"));
    expect(seen).toEqual([]);
    await publisher.publish(new Note("second"));
    expect(seen).toEqual(["second"]);
  });

  test("may add itself for ever", () => {
    const publisher = new Publisher();
    let calls = 0;
    const subscriber = (): void => {
      calls++;
      publisher.subscribe(Note, subscriber, { once: true });
    };
    publisher.subscribe(Note, subscriber, { once: true });
    for (let message = 0; message < 3; message++) void publisher.publish(new Note());
    expect(calls).toBe(3);
  });

  test("gets a message that is published in between, and not the one outside", () => {
    const publisher = new Publisher();
    const seen: string[] = [];
    publisher.subscribe(Note, ({ text }) => {
      if (text === "inner") return;
      publisher.subscribe(Note, (note) => seen.push(note.text));
      void publisher.publish(new Note("inner"));
    });
    void publisher.publish(new Note("outer"));
    expect(seen).toEqual(["inner"]);
  });
});

describe("an error of a subscriber", () => {
  const thrown = [new Error("boom"), "text", undefined, null, 0, Symbol("s")];
  const ways: [name: string, fail: (error: unknown) => unknown][] = [
    [
      "throws",
      (error) => {
        throw error;
      },
    ],
    ["rejects with", (reason) => Promise.reject(reason)],
    [
      "throws later",
      async (error) => {
        await ticks();
        throw error;
      },
    ],
    [
      "returns a rejecting thenable with",
      (error) => ({ then: (_: unknown, reject: (e: unknown) => void) => reject(error) }),
    ],
    [
      "returns a then that throws",
      (error) => ({
        then: () => {
          throw error;
        },
      }),
    ],
    [
      "returns a getter for then that throws",
      (error) => ({
        get then() {
          throw error;
        },
      }),
    ],
  ];
  const cases = ways.flatMap(([name, fail]) => thrown.map((error) => [name, String(error), fail, error] as const));

  test.each(cases)("that %s %s goes to onError, and stops nobody", async (_way, _name, fail, error) => {
    const onError = vi.fn();
    const publisher = new Publisher({ onError });
    const seen: number[] = [];
    const subscriber = (): unknown => fail(error);
    publisher.subscribe(Note, () => seen.push(1));
    publisher.subscribe(Note, subscriber);
    publisher.subscribe(Note, async () => seen.push(2));
    publisher.subscribe(Note, subscriber);
    publisher.subscribe(Note, () => seen.push(3));
    const note = new Note();
    await expect(publisher.publish(note)).resolves.toBeUndefined();
    expect(seen).toEqual([1, 2, 3]);
    expect(onError.mock.calls).toEqual([
      [error, note, subscriber],
      [error, note, subscriber],
    ]);
    expect(onError.mock.contexts).toEqual([undefined, undefined]);
  });

  test("is not an unhandled rejection when nobody awaits publish", async () => {
    const errors: unknown[] = [];
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const publisher = new Publisher({ onError: (error) => errors.push(error) });
    publisher.subscribe(Note, () => Promise.reject(new Error("lost?")));
    void publisher.publish(new Note());
    await new Promise(setImmediate);
    process.off("unhandledRejection", unhandled);
    expect(errors).toEqual([new Error("lost?")]);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test("that is an endless recursion is contained", () => {
    const errors: unknown[] = [];
    const publisher = new Publisher({ onError: (error) => errors.push(error) });
    publisher.subscribe(Note, (note) => {
      void publisher.publish(note);
    });
    let others = 0;
    publisher.subscribe(Object, (message) => {
      if (!(message instanceof Note)) others++;
    });
    void publisher.publish(new Note());
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.every((error) => error instanceof RangeError)).toBe(true);
    void publisher.publish({});
    expect(others).toBe(1);
  });
});

describe("on the console", () => {
  afterEach(() => vi.restoreAllMocks());

  test("is the error of a subscriber, when nobody asked for it", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const publisher = new Publisher();
    const error = new Error("boom");
    publisher.subscribe(Note, () => Promise.reject(error));
    await publisher.publish(new Note());
    expect(log.mock.calls).toEqual([["A subscriber failed:", error]]);
  });

  test.each([
    [
      "throws",
      (error: unknown): unknown => {
        throw error;
      },
    ],
    [
      "rejects",
      async (error: unknown): Promise<void> => {
        throw error;
      },
    ],
    [
      "returns a thenable that rejects",
      (error: unknown) => ({ then: (_: unknown, reject: (e: unknown) => void) => reject(error) }),
    ],
  ])("are both errors when onError %s", async (_way, fail) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const publisher = new Publisher({ onError: () => fail(new Error("handler")) });
    let others = 0;
    publisher.subscribe(Note, () => {
      throw new Error("subscriber");
    });
    publisher.subscribe(Note, () => others++);
    await publisher.publish(new Note());
    await ticks();
    expect(log.mock.calls).toEqual([["A handler failed:", new Error("handler"), new Error("subscriber")]]);
    expect(others).toBe(1);
  });

  test("is nothing when onError takes the error, and publish does not wait for it", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const publisher = new Publisher({ onError: () => new Promise(() => {}) });
    const fail: Subscriber<Note> = () => Promise.reject(new Error("boom"));
    publisher.subscribe(Note, fail);
    await publisher.publish(new Note());
    expect(log).not.toHaveBeenCalled();
  });
});
