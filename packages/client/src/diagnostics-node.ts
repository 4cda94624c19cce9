import { tracingChannel } from "node:diagnostics_channel";
import type { RequestDiagnostics, Trace } from "./diagnostics.js";

const channel = tracingChannel<unknown, RequestDiagnostics>("mx.client.request");
const { start, end, asyncStart, asyncEnd, error } = channel;
// Bun's tracing channels cannot be asked this as a whole.
const channels = [start, asyncEnd, error, asyncStart, end];

/** Tells of a call on the tracing channel `mx.client.request`. */
export const trace: Trace = (context, monotonicMs, work) =>
  channels.some((each) => each.hasSubscribers) ? tell(context, monotonicMs, work) : work();

async function tell<Result>(
  context: RequestDiagnostics,
  monotonicMs: () => number,
  work: () => Promise<Result>,
): Promise<Result> {
  const startedAt = monotonicMs();
  let answer!: Result;
  // The channel tells what the promise resolves with that it is given: that must not be the answer.
  await channel.tracePromise(async () => {
    try {
      answer = await work();
    } finally {
      context.durationMs = monotonicMs() - startedAt;
    }
  }, context);
  return answer;
}
