import { describe, expectTypeOf, test } from "vitest";
import { type MessageClass, type MessageOf, Publisher, type SubscriptionId } from "./index.js";

class A {
  readonly a = 1;
}
class A2 extends A {
  readonly a2 = 2;
}
class B {
  readonly b = 1;
}
class Box<T> {
  readonly content: T;
  constructor(content: T) {
    this.content = content;
  }
}
abstract class Abstract {
  abstract readonly kind: string;
}
class Private {
  readonly made = true;
  private constructor() {}
  static make(): Private {
    return new Private();
  }
}
class Protected {
  readonly guarded = true;
  protected constructor() {}
}

// Nothing here is about what happens at run time: the compiler is the test.
const publisher = new Publisher();

describe("the type of the message", () => {
  test("is the instance of a class", () => {
    publisher.subscribe(A, (message) => expectTypeOf(message).toEqualTypeOf<A>());
    publisher.subscribe(A2, (message) => expectTypeOf(message).toEqualTypeOf<A2>());
    publisher.subscribe(Date, (message) => expectTypeOf(message).toEqualTypeOf<Date>());
  });

  test("is the union over a list, whatever kind of array it is", () => {
    publisher.subscribe([A, B], (message) => expectTypeOf(message).toEqualTypeOf<A | B>());
    publisher.subscribe([A, B] as const, (message) => expectTypeOf(message).toEqualTypeOf<A | B>());
    const list = [A, B];
    publisher.subscribe(list, (message) => expectTypeOf(message).toEqualTypeOf<A | B>());
    publisher.subscribe([], (message) => expectTypeOf(message).toEqualTypeOf<never>());
    const either: typeof A | typeof B = Math.PI > 3 ? A : B;
    publisher.subscribe(either, (message) => expectTypeOf(message).toEqualTypeOf<A | B>());
  });

  test("is known for abstract classes and for private constructors", () => {
    publisher.subscribe(Abstract, (message) => expectTypeOf(message).toEqualTypeOf<Abstract>());
    publisher.subscribe([Private, Abstract, Protected], (message) => {
      expectTypeOf(message).toEqualTypeOf<Private | Abstract | Protected>();
    });
  });

  test("keeps the type parameters of a class", () => {
    publisher.subscribe(Box, (message) => expectTypeOf(message).toEqualTypeOf<Box<unknown>>());
    publisher.subscribe(Box<string>, (message) => expectTypeOf(message).toEqualTypeOf<Box<string>>());
  });

  test("is never for a function that is no class", () => {
    expectTypeOf<MessageOf<() => void>>().toEqualTypeOf<never>();
    expectTypeOf<MessageOf<readonly [typeof A, () => void]>>().toEqualTypeOf<A>();
  });

  test("goes through functions around a publisher without a cast", () => {
    function forward<T extends object>(type: MessageClass<T>, subscriber: (message: T) => void): SubscriptionId {
      return publisher.subscribe(type, subscriber);
    }
    forward(A2, (message) => expectTypeOf(message).toEqualTypeOf<A2>());
    forward(Private, (message) => expectTypeOf(message).toEqualTypeOf<Private>());
  });

  test("is the same for next and messages", () => {
    expectTypeOf(() => publisher.next([A, B])).returns.toEqualTypeOf<Promise<A | B>>();
    expectTypeOf(() =>
      publisher.next(Private, { filter: ({ made }) => made }),
    ).returns.resolves.toEqualTypeOf<Private>();
    async function iterate(): Promise<void> {
      for await (const message of publisher.messages([A2, B])) expectTypeOf(message).toEqualTypeOf<A2 | B>();
    }
    expectTypeOf(iterate).returns.resolves.toBeVoid();
  });
});

describe("the compiler accepts", () => {
  test("a subscriber to a base class, whatever it returns, and an async one", () => {
    const seen: A[] = [];
    publisher.subscribe(A2, (message: A) => seen.push(message));
    publisher.subscribe([A, A2], async (message: A) => seen.push(message));
  });

  test("a signal of the runtime, or perhaps none", () => {
    const signal: AbortSignal | undefined = Math.PI > 3 ? undefined : new AbortController().signal;
    publisher.subscribe(A, () => {}, { signal, once: undefined });
    expectTypeOf({ signal }).toExtend<Parameters<Publisher["next"]>[1]>();
  });

  test("the timers of the runtime", () => {
    expectTypeOf({ setTimeout, clearTimeout }).toExtend<Parameters<typeof makePublisher>[0]["timers"]>();
    function makePublisher(options: ConstructorParameters<typeof Publisher>[0] & {}): Publisher {
      return new Publisher(options);
    }
  });
});

describe("the compiler refuses", () => {
  function refused(): void {
    // @ts-expect-error -- not every A is an A2
    publisher.subscribe(A, (message: A2) => message);
    // @ts-expect-error -- some are a B
    publisher.subscribe([A, B], (message: A) => message);
    // @ts-expect-error -- a name is no class
    publisher.subscribe("A", () => {});
    // @ts-expect-error -- an instance is no class
    publisher.subscribe(new A(), () => {});
    // @ts-expect-error -- one of them is no class
    publisher.subscribe([A, "B"], () => {});
    // @ts-expect-error -- a plain number is no ID
    publisher.unsubscribe(3);
    // @ts-expect-error -- a text is no message
    void publisher.publish("text");
    // @ts-expect-error -- null is no message
    void publisher.publish(null);
    // @ts-expect-error -- a filter answers with a boolean
    void publisher.next(A, { filter: () => "yes" });
  }

  test("what would fail or never be called", () => {
    expectTypeOf(refused).returns.toBeVoid();
  });
});
