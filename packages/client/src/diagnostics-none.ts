import type { Trace } from "./diagnostics.js";

/** Where the runtime has no diagnostics channels, as in browsers, nobody can listen. */
export const trace: Trace = (_context, _monotonicMs, work) => work();
