import { timers } from "./env.js";

/** Settles like `work`; rejects when that takes longer than `limitMs`, and then does not know what becomes of it. */
export async function withDeadline<Result>(work: Promise<Result>, limitMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = timers.setTimeout(() => reject(new Error(`there was no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    if (timer !== undefined) timers.clearTimeout(timer);
  }
}
