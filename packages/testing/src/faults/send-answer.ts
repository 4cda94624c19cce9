import type { ServerResponse } from "node:http";
import type { HeldAnswer } from "../held-response.js";

/** Sends the beginning of an answer, with the length of the body that should follow. */
export function sendHead(response: ServerResponse, { status, headers, body }: HeldAnswer): void {
  response.writeHead(status, { ...headers, "content-length": body.length }).flushHeaders();
}

/** Sends an answer as it is. */
export function sendAnswer(response: ServerResponse, answer: HeldAnswer): void {
  sendHead(response, answer);
  response.end(answer.body);
}
