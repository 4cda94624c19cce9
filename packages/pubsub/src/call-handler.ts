import { logError } from "./env.js";

/**
 * Calls a handler of the application. Its own failure, now or later, must not reach the publisher: it goes to the console, with
 * what the handler was told.
 *
 * An async function would be shorter, but when the stack is full its error must go up to where there is room, not into a promise.
 */
export function callHandler(call: () => unknown, ...told: readonly unknown[]): void {
  const fail = (failure: unknown): void => logError("A handler failed:", failure, ...told);
  try {
    Promise.resolve(call()).catch(fail);
  } catch (failure) {
    fail(failure);
  }
}
