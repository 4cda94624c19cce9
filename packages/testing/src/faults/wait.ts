import type { ServerResponse } from "node:http";
import type { Env } from "../env.js";

/** Waits in the homeserver's time. Tells whether the client is still there, and does not wait on when it goes away. */
export async function wait(env: Env, response: ServerResponse, delayMs: number): Promise<boolean> {
  if (response.destroyed) return false;
  return new Promise((resolve) => {
    const onClose = (): void => {
      cancel();
      resolve(false);
    };
    const cancel = env.startTimer(() => {
      response.off("close", onClose);
      resolve(true);
    }, delayMs);
    response.once("close", onClose);
  });
}
