// The process of one contestant of `in-turns.mjs`: `node contestant.mjs <module> <case> <contestant> <ms of a turn>`.
const [, , module, name, contestant, turnMs] = process.argv;

const { contestantOf } = await import(module);
const { run, prepare = async () => {}, close, times: given } = await (await contestantOf(name, contestant))();
const times = given ?? (await timesFor(Number(turnMs)));
process.on("message", (message) => void obey(message));
// When the one who asks has gone, there is nothing more to do.
process.on("disconnect", () => process.exit());
process.send("ready");

async function obey(message) {
  if (message === "run") {
    await prepare();
    process.send({ times, ...(await measure(times)) });
  } else {
    await close?.();
    process.exit();
  }
}

async function measure(count) {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await run(count);
  const ms = performance.now() - before;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { ms, cpuMs: (user + system) / 1000 };
}

/** How often it is done in so many milliseconds, when it is warm. */
async function timesFor(ms) {
  let count = 1;
  for (;;) {
    await prepare();
    const took = (await measure(count)).ms;
    if (took >= ms / 2) return Math.max(1, Math.round((count * ms) / took));
    count *= 2;
  }
}
