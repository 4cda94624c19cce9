import { runInNewContext } from "node:vm";
import { describe, expect, test, vi } from "vitest";
import { Publisher } from "./index.js";

class Fruit {
  readonly name = "fruit";
}
class Apple extends Fruit {
  readonly isRed = true;
}
class Boskoop extends Apple {
  readonly isSour = true;
}
class Stone {
  readonly weight = 1;
}

describe("a subscriber is called with", () => {
  test("instances of its class and of subclasses, and with nothing else", () => {
    const publisher = new Publisher();
    const seen: object[] = [];
    publisher.subscribe(Apple, (message) => seen.push(message));
    const [fruit, apple, boskoop] = [new Fruit(), new Apple(), new Boskoop()];
    for (const message of [fruit, apple, boskoop, new Stone()]) void publisher.publish(message);
    expect(seen).toEqual([apple, boskoop]);
    expect(seen[1]).toBe(boskoop);
  });

  test("instances of any class in its list, once each", () => {
    const publisher = new Publisher();
    const seen: string[] = [];
    publisher.subscribe([Fruit, Apple, Stone, Stone], (message) => seen.push(message.constructor.name));
    for (const message of [new Stone(), new Boskoop(), new Fruit(), new Date(0)]) void publisher.publish(message);
    expect(seen).toEqual(["Stone", "Boskoop", "Fruit"]);
  });

  test("nothing when its list is empty", () => {
    const publisher = new Publisher();
    let calls = 0;
    const id = publisher.subscribe([], () => calls++);
    void publisher.publish(new Fruit());
    expect(calls).toBe(0);
    expect(publisher.unsubscribe(id)).toBe(true);
  });

  test("the classes that were in its list when it subscribed", () => {
    const publisher = new Publisher();
    const seen: object[] = [];
    const list: (typeof Fruit | typeof Stone)[] = [Fruit];
    publisher.subscribe(list, (message) => seen.push(message));
    list[0] = Stone;
    list.push(Stone);
    void publisher.publish(new Stone());
    expect(seen).toEqual([]);
    void publisher.publish(new Fruit());
    expect(seen).toEqual([new Fruit()]);
  });

  test("every ordinary message when it subscribes to Object", () => {
    const publisher = new Publisher();
    const seen: object[] = [];
    publisher.subscribe(Object, (message) => seen.push(message));
    const messages = [new Fruit(), {}, [], () => {}, new Date(0), Object("text")];
    for (const message of messages) void publisher.publish(message);
    expect(seen).toEqual(messages);
  });

  test("functions, arrays and boxed values, which are objects too", () => {
    const publisher = new Publisher();
    const seen: object[] = [];
    publisher.subscribe([Function, Array, Number], (message) => seen.push(message));
    const messages = [(): void => {}, [1], Object(1)];
    for (const message of messages) void publisher.publish(message);
    expect(seen).toEqual(messages);
  });

  test("exactly one argument and no this", () => {
    const publisher = new Publisher();
    let call: unknown;
    publisher.subscribe(Stone, function (this: unknown, ...messages) {
      call = [this, messages.length];
    });
    void publisher.publish(new Stone());
    expect(call).toEqual([undefined, 1]);
  });

  test("a message as often as it has subscribed", () => {
    const publisher = new Publisher();
    let calls = 0;
    const count = (): unknown => calls++;
    const first = publisher.subscribe(Stone, count);
    publisher.subscribe(Stone, count);
    void publisher.publish(new Stone());
    expect(calls).toBe(2);
    publisher.unsubscribe(first);
    void publisher.publish(new Stone());
    expect(calls).toBe(3);
  });
});

describe("what a message is an instance of", () => {
  function isDelivered(message: object, type: Function & { prototype: object }): boolean {
    const publisher = new Publisher();
    let isCalled = false;
    publisher.subscribe(type, () => (isCalled = true));
    void publisher.publish(message);
    return isCalled;
  }

  test("is told by its prototypes, not by a property named constructor", () => {
    class Impostor {
      override = "";
      constructor() {
        Object.defineProperty(this, "constructor", { value: Stone });
      }
    }
    expect(isDelivered(new Impostor(), Stone)).toBe(false);
    expect(isDelivered(new Impostor(), Impostor)).toBe(true);
  });

  test("is the same for Object.create and for a proxy as for instanceof", () => {
    const made: object = Object.create(Boskoop.prototype);
    expect(isDelivered(made, Fruit)).toBe(true);
    expect(isDelivered(Object.create(new Stone()), Stone)).toBe(true);
    expect(isDelivered(new Proxy(new Apple(), {}), Fruit)).toBe(true);
    const disguised = new Proxy({}, { getPrototypeOf: () => Stone.prototype });
    expect(isDelivered(disguised, Stone)).toBe(true);
    expect(isDelivered(disguised, Fruit)).toBe(false);
  });

  test("is nothing for the prototype of a class itself, but its base", () => {
    expect(isDelivered(Apple.prototype, Apple)).toBe(false);
    expect(isDelivered(Apple.prototype, Fruit)).toBe(true);
  });

  test("is nothing for an object without a prototype", () => {
    const bare: object = Object.create(null);
    expect(isDelivered(bare, Object)).toBe(false);
    class Anything {
      readonly isAnything = true;
      static [Symbol.hasInstance](): boolean {
        return true;
      }
    }
    expect(isDelivered(bare, Anything)).toBe(true);
  });

  test("is found for constructors that are no classes, and for abstract ones", () => {
    function Old(this: object): void {}
    Old.prototype = { isOld: true };
    expect(isDelivered(Reflect.construct(Old, []), Old)).toBe(true);

    abstract class Shape {
      abstract readonly sides: number;
      constructor() {
        if (new.target === Shape) throw new Error("abstract");
      }
    }
    class Square extends Shape {
      readonly sides = 4;
    }
    expect(isDelivered(new Square(), Shape)).toBe(true);
  });

  test("is found for a subclass that is declared after other messages", () => {
    const publisher = new Publisher();
    const seen: object[] = [];
    publisher.subscribe(Fruit, (message) => seen.push(message));
    void publisher.publish(new Fruit());
    class Pear extends Fruit {}
    const pear = new Pear();
    void publisher.publish(pear);
    expect(seen[1]).toBe(pear);
  });

  test("does not reach into another realm, unless the class says so", () => {
    const foreign: object = runInNewContext("new Error('far')");
    expect(isDelivered(foreign, Error)).toBe(false);
    class AnyError {
      readonly message = "";
      static [Symbol.hasInstance](value: object): boolean {
        return Object.prototype.toString.call(value) === "[object Error]";
      }
    }
    expect(isDelivered(foreign, AnyError)).toBe(true);
    const ForeignError: ErrorConstructor = runInNewContext("Error");
    expect(isDelivered(new Error("near"), ForeignError)).toBe(false);
    expect(isDelivered(new ForeignError("far"), ForeignError)).toBe(true);
  });
});

describe("a class with a Symbol.hasInstance of its own", () => {
  class Heavy {
    readonly weight: number = 0;
    static [Symbol.hasInstance](value: { readonly weight?: number }): boolean {
      if (value.weight === -1) throw new RangeError("negative weight");
      return (value.weight ?? 0) > 10;
    }
  }
  class Parcel {
    readonly weight: number;
    constructor(weight: number) {
      this.weight = weight;
    }
  }

  test("is asked about each message, also by subscribers that came after the first message", () => {
    const publisher = new Publisher();
    const seen: string[] = [];
    publisher.subscribe(Heavy, ({ weight }) => seen.push(`first ${weight}`));
    void publisher.publish(new Parcel(11));
    publisher.subscribe([Stone, Heavy], ({ weight }) => seen.push(`second ${weight}`));
    for (const weight of [9, 12, 10, 13]) void publisher.publish(new Parcel(weight));
    void publisher.publish(new Stone());
    expect(seen).toEqual(["first 11", "first 12", "second 12", "first 13", "second 13", "second 1"]);
  });

  test("is asked in the name of its subclasses too", () => {
    class Heaviest extends Heavy {
      static override [Symbol.hasInstance](value: { readonly weight?: number }): boolean {
        return (value.weight ?? 0) > 100;
      }
    }
    class Alias extends Heavy {}
    const publisher = new Publisher();
    const seen: string[] = [];
    publisher.subscribe(Heaviest, ({ weight }) => seen.push(`heaviest ${weight}`));
    publisher.subscribe(Alias, ({ weight }) => seen.push(`heavy ${weight}`));
    for (const weight of [1, 11, 101]) void publisher.publish(new Parcel(weight));
    expect(seen).toEqual(["heavy 11", "heaviest 101", "heavy 101"]);
  });

  test("that throws is an error of the subscriber", () => {
    const errors: unknown[][] = [];
    const publisher = new Publisher({ onError: (...told) => errors.push(told) });
    const subscriber = (): void => expect.fail("not a match");
    let others = 0;
    publisher.subscribe(Heavy, subscriber);
    publisher.subscribe(Parcel, () => others++);
    const parcel = new Parcel(-1);
    void publisher.publish(parcel);
    expect(errors).toEqual([[new RangeError("negative weight"), parcel, subscriber]]);
    expect(others).toBe(1);
  });

  test("does not use up a subscription to one message that it refuses", () => {
    const publisher = new Publisher();
    let calls = 0;
    publisher.subscribe(Heavy, () => calls++, { once: true });
    for (const weight of [1, 11, 12]) void publisher.publish(new Parcel(weight));
    expect(calls).toBe(1);
  });
});

test("subscribers are called in the order of subscription, whatever their classes", () => {
  const publisher = new Publisher();
  const seen: string[] = [];
  publisher.subscribe(Boskoop, () => seen.push("boskoop"));
  publisher.subscribe(Fruit, () => seen.push("fruit"));
  void publisher.publish(new Boskoop());
  publisher.subscribe([Stone, Apple], () => seen.push("list"));
  publisher.subscribe(Object, () => seen.push("object"));
  void publisher.publish(new Boskoop());
  expect(seen).toEqual(["boskoop", "fruit", "boskoop", "fruit", "list", "object"]);
});

test("classes that are made as the program runs find their subscribers", () => {
  const publisher = new Publisher();
  let fruits = 0;
  let calls = 0;
  publisher.subscribe(Fruit, () => fruits++);
  for (let index = 0; index < 2500; index++) {
    class Sort extends Fruit {}
    const id = publisher.subscribe(Sort, () => calls++);
    void publisher.publish(new Sort());
    void publisher.publish(new Apple());
    publisher.unsubscribe(id);
    void publisher.publish(new Sort());
  }
  expect([fruits, calls, publisher.size]).toEqual([7500, 2500, 1]);
});

describe("a TypeError says what is wrong when", () => {
  const notObjects: [name: string, message: unknown, found: string][] = [
    ["a number", 1, "number"],
    ["a text", "secret", "string"],
    ["true", true, "boolean"],
    ["a bigint", 1n, "bigint"],
    ["a symbol", Symbol("s"), "symbol"],
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
  ];
  test.each(notObjects)("%s is published", async (_name, message, found) => {
    const publisher = new Publisher();
    publisher.subscribe(Object, () => expect.fail("not a message"));
    // @ts-expect-error -- that is the point
    const published: Promise<void> = publisher.publish(message);
    await expect(published).rejects.toThrow(new TypeError(`Cannot publish: expected an object, but found "${found}"`));
  });

  const notClasses: [name: string, type: unknown, found: string][] = [
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a name", "Fruit", "string"],
    ["a number", 1, "number"],
    ["an instance", new Fruit(), "object"],
    ["an arrow function", (): void => {}, "function"],
    ["a bound class", Fruit.bind(null), "function"],
    ["a function whose prototype is null", Object.assign(function f() {}, { prototype: null }), "function"],
    ["a list with something else", [Fruit, "Fruit"], "string"],
    ["a list in a list", [Fruit, [Stone]], "object"],
  ];
  test.each(notClasses)("%s is given for a class", async (_name, type, found) => {
    const publisher = new Publisher();
    const error = new TypeError(`Cannot subscribe: expected a class, but found "${found}"`);
    // @ts-expect-error -- that is the point
    expect(() => publisher.subscribe(type, () => {})).toThrow(error);
    // @ts-expect-error -- that is the point
    expect(() => publisher.messages(type)).toThrow(error);
    // @ts-expect-error -- that is the point
    await expect(publisher.next(type)).rejects.toThrow(error);
    expect(publisher.size).toBe(0);
  });

  test.each([undefined, null, {}, "f"])("%s is given for a subscriber", (subscriber) => {
    const publisher = new Publisher();
    // @ts-expect-error -- that is the point
    expect(() => publisher.subscribe(Fruit, subscriber)).toThrow(
      new TypeError(
        `Cannot subscribe: expected a function, but found "${subscriber === null ? "null" : typeof subscriber}"`,
      ),
    );
    expect(publisher.size).toBe(0);
  });

  test("something else is given for a signal", () => {
    const publisher = new Publisher();
    // @ts-expect-error -- that is the point
    expect(() => publisher.subscribe(Fruit, () => {}, { signal: {} })).toThrow(TypeError);
    expect(publisher.size).toBe(0);
  });
});

describe("an ID", () => {
  test("is a positive integer that is never used again, by no publisher", async () => {
    // As at the start of a program, when no ID has been used.
    vi.resetModules();
    const fresh = await import("./index.js");
    const publishers = [new fresh.Publisher(), new fresh.Publisher()];
    const ids = new Set<number>();
    for (let round = 0; round < 100; round++) {
      for (const publisher of publishers) {
        const id = publisher.subscribe(Fruit, () => {});
        expect(Number.isInteger(id) && id > 0).toBe(true);
        ids.add(id);
        publisher.unsubscribe(id);
      }
    }
    expect(ids.size).toBe(200);
  });

  test("ends its subscription once", () => {
    const publisher = new Publisher();
    const id = publisher.subscribe(Fruit, () => {});
    expect(publisher.size).toBe(1);
    expect(publisher.unsubscribe(id)).toBe(true);
    expect(publisher.size).toBe(0);
    expect(publisher.unsubscribe(id)).toBe(false);
  });

  test("of another publisher, or of none, ends nothing", () => {
    const publisher = new Publisher();
    publisher.subscribe(Fruit, () => {});
    const other = new Publisher().subscribe(Fruit, () => {});
    expect(publisher.unsubscribe(other)).toBe(false);
    for (const unknown of [undefined, 0, -1, "1", null, {}]) {
      // @ts-expect-error -- that is the point
      expect(publisher.unsubscribe(unknown)).toBe(false);
    }
    expect(publisher.size).toBe(1);
  });
});

describe("once", () => {
  test("is over before the call, also when it throws", () => {
    const publisher = new Publisher({ onError: () => {} });
    const sizes: number[] = [];
    const id = publisher.subscribe(
      Stone,
      () => {
        sizes.push(publisher.size);
        throw new Error("once");
      },
      { once: true },
    );
    void publisher.publish(new Fruit());
    expect(publisher.size).toBe(1);
    void publisher.publish(new Stone());
    void publisher.publish(new Stone());
    expect(sizes).toEqual([0]);
    expect(publisher.unsubscribe(id)).toBe(false);
  });

  test("is one call, also when its subscriber publishes the same again", () => {
    const publisher = new Publisher();
    let calls = 0;
    publisher.subscribe(
      Stone,
      (stone) => {
        calls++;
        void publisher.publish(stone);
      },
      { once: true },
    );
    void publisher.publish(new Stone());
    expect(calls).toBe(1);
  });

  test("is one call, also of messages that are published at the same time", async () => {
    const publisher = new Publisher();
    let calls = 0;
    publisher.subscribe(Stone, async () => {});
    publisher.subscribe(Stone, async () => calls++, { once: true });
    await Promise.all([publisher.publish(new Stone()), publisher.publish(new Stone())]);
    expect(calls).toBe(1);
  });
});
