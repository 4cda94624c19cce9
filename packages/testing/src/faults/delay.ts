import type { Interceptor } from "../interceptors.js";
import { sendAnswer } from "./send-answer.js";
import { wait } from "./wait.js";

/**
 * Hands the request to the homeserver so many milliseconds later, by its clock. A request whose client has gone by then is never
 * processed.
 */
export function delayProcessing(delayMs: number): Interceptor {
  return async (_request, response, pass, { env }) => {
    if (await wait(env, response, delayMs)) await pass();
  };
}

/** Sends the answer so many milliseconds after the homeserver has done what the request asks for, by its clock. */
export function delayAnswer(delayMs: number): Interceptor {
  return async (_request, response, _pass, homeserver) => {
    const answer = await homeserver.process();
    if (await wait(homeserver.env, response, delayMs)) sendAnswer(response, answer);
  };
}
