import { gzipSync } from "node:zlib";
import type { Interceptor } from "../interceptors.js";
import { sendAnswer } from "./send-answer.js";

/** Sends half of the body of the homeserver's answer, with a `Content-Length` that agrees: a whole answer, but half the JSON. */
export function truncateBody(): Interceptor {
  return async (_request, response, _pass, homeserver) => {
    const answer = await homeserver.process();
    sendAnswer(response, { ...answer, body: firstHalf(answer.body) });
  };
}

/**
 * Sends half of the homeserver's answer compressed with gzip, with a `Content-Length` that agrees. Every fetch takes such a body for
 * whole, and hands over what it could inflate.
 */
export function truncateGzip(): Interceptor {
  return async (_request, response, _pass, homeserver) => {
    const { status, headers, body } = await homeserver.process();
    const half = firstHalf(gzipSync(body));
    sendAnswer(response, { status, headers: { ...headers, "content-encoding": "gzip" }, body: half });
  };
}

function firstHalf(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.length / 2);
}
