import { describeValue } from "../describe-value.js";
import type { Interceptor } from "../interceptors.js";
import { randomFrom } from "./random.js";
import { sendAnswer } from "./send-answer.js";

/**
 * Lets the homeserver do what the request asks for, and then answers with a fault in place of its answer:
 * `afterProcessing(gatewayError())`.
 */
export function afterProcessing(fault: Interceptor): Interceptor {
  return async (request, response, _pass, homeserver) => {
    const answer = await homeserver.process();
    const pass = async (): Promise<void> => sendAnswer(response, answer);
    return fault(request, response, pass, { env: homeserver.env, process: async () => answer });
  };
}

/** Applies a fault to the first `count` requests, and passes the others on. `Infinity` is for all of them. */
export function times(count: number, fault: Interceptor): Interceptor {
  if (!(Number.isInteger(count) || count === Infinity) || count < 0) {
    throw new TypeError(
      `Cannot make a fault by times(): ${describeValue(count)} is no count of requests; give a whole number from 0 on`,
    );
  }
  let left = count;
  return (request, response, pass, homeserver) => {
    if (left <= 0) return pass();
    left--;
    return fault(request, response, pass, homeserver);
  };
}

/** Applies a fault to requests by chance, with a probability from 0 to 1, and passes the others on. The same seed hits the same. */
export function sometimes(probability: number, seed: number, fault: Interceptor): Interceptor {
  if (typeof probability !== "number" || !(probability >= 0 && probability <= 1)) {
    throw new TypeError(
      `Cannot make a fault by sometimes(): ${describeValue(probability)} is no probability; give a number from 0 to 1, such as 0.2`,
    );
  }
  const random = randomFrom(seed);
  return (request, response, pass, homeserver) =>
    random() < probability ? fault(request, response, pass, homeserver) : pass();
}

/** Applies one of several faults to each request, all as likely. The same seed draws the same. */
export function mixed(seed: number, faults: readonly Interceptor[]): Interceptor {
  const random = randomFrom(seed);
  return (request, response, pass, homeserver) => {
    const fault = faults[Math.floor(random() * faults.length)];
    return fault === undefined ? pass() : fault(request, response, pass, homeserver);
  };
}

/** Applies a fault to requests with one method, such as "PUT", and passes the others on. */
export function onlyFor(method: string, fault: Interceptor): Interceptor {
  return (request, response, pass, homeserver) =>
    request.method === method ? fault(request, response, pass, homeserver) : pass();
}
