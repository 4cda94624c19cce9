import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Interceptor } from "../interceptors.js";
import { sendHead } from "./send-answer.js";

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
  return inBody(end);
}

/** Resets the connection (RST) after half of the answer's body: less comes than its `Content-Length` says. */
export function resetInBody(): Interceptor {
  return inBody(reset);
}

/** Sends what has been written, and then the FIN. */
function end(socket: Socket): void {
  socket.destroySoon();
}

function reset(socket: Socket): void {
  socket.resetAndDestroy();
}

function afterwards(cut: (socket: Socket) => void): Interceptor {
  return async ({ socket }: IncomingMessage, _response, _pass, homeserver) => {
    await homeserver.process();
    cut(socket);
  };
}

function inBody(cut: (socket: Socket) => void): Interceptor {
  return async ({ socket }, response, _pass, homeserver) => {
    const answer = await homeserver.process();
    sendHead(response, answer);
    // A reset would throw away what the system does not have yet.
    response.write(answer.body.subarray(0, answer.body.length / 2), () => cut(socket));
  };
}
