import { STATUS_CODES } from "node:http";
import type { ServerResponse } from "node:http";
import type { HeldAnswer } from "../held-response.js";
import type { Env } from "../env.js";
import type { Interceptor } from "../interceptors.js";
import { sendHead } from "./send-answer.js";
import { wait } from "./wait.js";

/**
 * Sends the status line and the headers of the homeserver's answer one byte at a time, so many milliseconds apart by its clock. The
 * body comes whole, and the connection closes after it.
 */
export function dribbleHeaders(everyMs: number): Interceptor {
  return async ({ socket }, response, _pass, homeserver) => {
    const answer = await homeserver.process();
    const isWhole = await dribble(homeserver.env, response, everyMs, headOf(answer), (byte) => socket.write(byte));
    if (!isWhole) return;
    socket.write(answer.body);
    socket.destroySoon();
  };
}

/** Sends the body of the homeserver's answer one byte at a time, so many milliseconds apart by its clock. */
export function dribbleBody(everyMs: number): Interceptor {
  return async (_request, response, _pass, homeserver) => {
    const answer = await homeserver.process();
    sendHead(response, answer);
    const { env } = homeserver;
    if (await dribble(env, response, everyMs, answer.body, (byte) => response.write(byte))) response.end();
  };
}

/** Tells whether the client was there to the end. */
async function dribble(
  env: Env,
  response: ServerResponse,
  everyMs: number,
  bytes: Buffer,
  write: (byte: Buffer) => void,
): Promise<boolean> {
  for (let i = 0; i < bytes.length; i++) {
    if (!(await wait(env, response, everyMs))) return false;
    write(bytes.subarray(i, i + 1));
  }
  return true;
}

/** The beginning of an answer as it goes over the wire, since node:http sends it in one piece. */
function headOf({ status, headers, body }: HeldAnswer): Buffer {
  const fields = Object.entries({ ...headers, "content-length": body.length, connection: "close" });
  const lines = fields.flatMap(([name, value]) => [value ?? []].flat().map((one) => `${name}: ${one}`));
  return Buffer.from([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`, ...lines, "", ""].join("\r\n"), "latin1");
}
