import { describeValue } from "./describe-value.js";
import * as faults from "./faults/index.js";

const factories = new Map<unknown, string>(Object.entries(faults).map(([name, factory]) => [factory, name]));

/** Refuses what is no interceptor, and a function of `faults` that was not called: it would keep clients waiting. */
export function requireInterceptor(value: unknown): void {
  const name = factories.get(value);
  if (name !== undefined) {
    throw new TypeError(
      `Cannot intercept by faults.${name}: it makes a fault, and is none; call it: faults.${name}(…)`,
    );
  }
  if (typeof value === "function") return;
  throw new TypeError(
    `Cannot intercept by ${describeValue(value)}: it is no function; give one of (request, response, pass), or one of faults`,
  );
}

/** Refuses what an interceptor returns when it has made a fault instead of being one, as in `times(2, faults.serverError)`. */
export function refuseFactory(returned: unknown): void {
  if (typeof returned !== "function") return;
  throw new TypeError(
    "Cannot answer by an interceptor that returns a function; call what makes a fault: serverError()",
  );
}
