/** A class whose instances are messages. Abstract classes, and those with a private constructor, are fine. */
export interface MessageClass<T extends object = object> extends Function {
  readonly prototype: T;
}

/** What one subscribes to: a class, or a list of classes of which any will do. */
export type MessageType = MessageClass | readonly MessageClass[];

/** The messages that a subscriber to `M` gets: the instances of a class, or the union over a list. */
export type MessageOf<M extends MessageType> = M extends readonly unknown[] ? InstanceOf<M[number]> : InstanceOf<M>;

// A private constructor is seen through `prototype` only, which has `any` for the type parameters of a class and is `any` itself
// for a function that is no class: hence the constructor first, and `never` for `any`.
type InstanceOf<C> = C extends abstract new (...args: never) => infer T
  ? T
  : C extends { readonly prototype: infer T }
    ? IsAny<T> extends true
      ? never
      : T
    : never;

type IsAny<T> = 0 extends 1 & T ? true : false;
