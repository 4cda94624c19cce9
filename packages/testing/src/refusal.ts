import type { JsonObject } from "./json.js";

/** A request refused: thrown anywhere below an endpoint, it is what the client gets. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: JsonObject;

  constructor(status: number, body: JsonObject, message: string) {
    super(message);
    this.status = status;
    this.body = body;
  }
}
