export { Publisher } from "./publisher.js";
export type { SubscribeOptions, Subscriber, SubscriptionId } from "./subscription.js";

// Waiting for messages
export type { MessagesOptions, NextOptions } from "./publisher.js";
export type { Messages } from "./messages.js";

// Options of a publisher
export type { PublisherOptions } from "./publisher-options.js";
export type { Timers } from "./env.js";

// Writing functions around a publisher
export type { MessageClass, MessageOf, MessageType } from "./message-class.js";
export type { AbortSignalLike } from "./abort-signal.js";
