import type { JsonObject } from "./json.js";
import { Refusal } from "./refusal.js";

/**
 * A refusal with an error code, as nearly all have one.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#standard-error-response
 */
export class MatrixError extends Refusal {
  override readonly name = "MatrixError";

  /** `fields` stand in the body beside `errcode` and `error`. */
  constructor(status: number, errcode: string, message: string, fields: JsonObject = {}) {
    super(status, { errcode, error: message, ...fields }, message);
  }
}

export function forbidden(message: string): MatrixError {
  return new MatrixError(403, "M_FORBIDDEN", message);
}

export function notFound(message: string): MatrixError {
  return new MatrixError(404, "M_NOT_FOUND", message);
}

export function invalidParam(message: string): MatrixError {
  return new MatrixError(400, "M_INVALID_PARAM", message);
}

export function missingParam(message: string): MatrixError {
  return new MatrixError(400, "M_MISSING_PARAM", message);
}

export function badJson(message: string): MatrixError {
  return new MatrixError(400, "M_BAD_JSON", message);
}
