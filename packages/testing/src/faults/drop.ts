import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { HeldAnswer } from "../held-response.js";
import type { Interceptor } from "../interceptors.js";
import { sendHead } from "./send-answer.js";
import { wait } from "./wait.js";

const TIME_TO_READ_MS = 25;

/** Closes the connection (FIN); the homeserver does not process the request. */
export function dropBeforeProcessing(): Interceptor {
  return ({ socket }) => end(socket);
}

/** Closes the connection (FIN) when the homeserver has done what the request asks for; the answer never comes. */
export function dropAfterProcessing(): Interceptor {
  return afterwards(end);
}

/** Resets the connection (RST); the homeserver does not process the request. */
export function resetBeforeProcessing(): Interceptor {
  return ({ socket }) => reset(socket);
}

/** Resets the connection (RST) when the homeserver has done what the request asks for; the answer never comes. */
export function resetAfterProcessing(): Interceptor {
  return afterwards(reset);
}

/** Closes the connection (FIN) after half of the answer's body: less comes than its `Content-Length` says. */
export function dropInBody(): Interceptor {
  return async ({ socket }, response, _pass, homeserver) => {
    sendHalf(response, await homeserver.process());
    end(socket);
  };
}

/**
 * Resets the connection (RST) 25 ms after half of the answer's body, by the homeserver's clock: less comes than its `Content-Length`
 * says.
 */
export function resetInBody(): Interceptor {
  return async ({ socket }, response, _pass, homeserver) => {
    sendHalf(response, await homeserver.process());
    // What is not sent yet, a reset throws away; and one that comes together with bytes looks like a FIN to Node.
    if (await wait(homeserver.env, response, TIME_TO_READ_MS)) reset(socket);
  };
}

/** Sends what has been written, and then the FIN. */
function end(socket: Socket): void {
  socket.destroySoon();
}

function reset(socket: Socket): void {
  socket.resetAndDestroy();
}

function afterwards(cut: (socket: Socket) => void): Interceptor {
  return async ({ socket }, _response, _pass, homeserver) => {
    await homeserver.process();
    cut(socket);
  };
}

function sendHalf(response: ServerResponse, answer: HeldAnswer): void {
  sendHead(response, answer);
  response.write(answer.body.subarray(0, answer.body.length / 2));
}
