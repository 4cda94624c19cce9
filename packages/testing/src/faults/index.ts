// The connection ends. A drop is a FIN, a reset is a RST.
export {
  dropAfterProcessing,
  dropBeforeProcessing,
  dropInBody,
  resetAfterProcessing,
  resetBeforeProcessing,
  resetInBody,
} from "./drop.js";

// The answer comes late, slowly or never.
export { fallSilentAfterProcessing, fallSilentBeforeProcessing } from "./silence.js";
export { delayAnswer, delayProcessing } from "./delay.js";
export { dribbleBody, dribbleHeaders } from "./dribble.js";

// The answer is cut, but looks whole.
export { truncateBody, truncateGzip } from "./truncate.js";

// The answer is too large.
export { endlessBody, gzipBomb, largeBody, largeErrorPage } from "./flood.js";

// Somebody else answers.
export { answerWith, gatewayError, rateLimited, redirectTo, serverError } from "./answer.js";
export type { RateLimit } from "./answer.js";

// When a fault happens.
export { afterProcessing, mixed, onlyFor, sometimes, times } from "./combine.js";
