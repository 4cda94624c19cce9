// A process whose homeserver floods it with answers. It writes what each request and each sync is told, how long that took, and how
// much memory the process has taken at most.
import { Client, SyncFailed } from "@mx/client";

const [homeserver, user, password, ...floods] = process.argv.slice(2);
const client = new Client({ storage: new Map(), baseClientUrl: `${homeserver}/_matrix/client/` });
await client.login({ user, password });
const outcomes = [];
for (const flood of floods) {
  await tell(`request, ${flood}`, client.request("GET", `v3/${flood}`, { timeoutMs: 20_000 }));
  await tell(`sync, ${flood}`, syncOnce());
}
await client.close();
process.stdout.write(JSON.stringify({ outcomes, maxRssBytes: process.resourceUsage().maxRSS * 1024 }));

/** Syncs until that fails, for ever or for once. */
async function syncOnce() {
  const stop = new AbortController();
  const failing = client.publisher.next(SyncFailed).then(({ error }) => {
    stop.abort();
    throw error;
  });
  await Promise.race([client.sync({ signal: stop.signal }), failing]);
}

async function tell(name, call) {
  const startedAt = performance.now();
  const outcome = await call.then(
    () => "done",
    (error) => `${error.name}: ${error.message}`,
  );
  outcomes.push({ name, outcome, ms: Math.round(performance.now() - startedAt) });
}
