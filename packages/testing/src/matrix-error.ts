import type { JsonObject } from "./json.js";

/** A request refused: the status and the error body that the client gets. */
export class MatrixError extends Error {
  override readonly name = "MatrixError";
  readonly status: number;
  readonly errcode: string;
  /** What stands in the body beside `errcode` and `error`. */
  readonly fields: JsonObject;

  constructor(status: number, errcode: string, message: string, fields: JsonObject = {}) {
    super(message);
    this.status = status;
    this.errcode = errcode;
    this.fields = fields;
  }

  get body(): JsonObject {
    return { errcode: this.errcode, error: this.message, ...this.fields };
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
