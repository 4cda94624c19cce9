import type { JsonObject } from "./json.js";
import { Refusal } from "./refusal.js";

/** What the body of an answer can be. */
export type AnswerBody = JsonObject | readonly JsonObject[];

/** The answer to a request. */
export interface Answer {
  readonly status: number;
  readonly body: AnswerBody;
}

/** The answer to a request that has failed: what a refusal says, or else, since whoever reads it writes tests, what went wrong. */
export function answerToFailure(error: unknown): Answer {
  if (error instanceof Refusal) return { status: error.status, body: error.body };
  const reason = error instanceof Error ? error.message : String(error);
  return { status: 500, body: { errcode: "M_UNKNOWN", error: `Internal server error: ${reason}` } };
}
