// A process that shares a session with others: it makes one request after the other until it is told to stop, and says what went wrong.
// It may be armed: then it dies, or stands still, when it comes to a point of its next refresh.
import { tracingChannel } from "node:diagnostics_channel";
import { setTimeout as delay } from "node:timers/promises";
import { Client, LoggedOut } from "@mx/client";
import { breakStorage } from "./broken-storage.mjs";
import { sharedStorages } from "./shared-storages.mjs";

const { kind, place, name, roomId, syncs, pauseMs, breakage } = JSON.parse(process.argv[2]);
const stop = new AbortController();
let armed;
process.on("message", (message) => {
  if (message === "stop") stop.abort();
  else armed = message.armed;
});
process.on("disconnect", () => process.exit(1));

const isRefresh = ({ template }) => template === "v3/refresh";
/** The point that the next call of another endpoint is at. */
let nextPoint;
tracingChannel("mx.client.request").subscribe({
  start(call) {
    if (isRefresh(call)) comeTo("asking");
    else if (nextPoint === "saved") {
      comeTo("saved");
      nextPoint = "used";
    }
  },
  asyncEnd(call) {
    if (isRefresh(call) && call.error === undefined) {
      comeTo("answered");
      nextPoint = "saved";
    } else if (nextPoint === "used") {
      comeTo("used");
      nextPoint = undefined;
    }
  },
});

function comeTo(point) {
  if (armed?.at !== point) return;
  const { signal } = armed;
  armed = undefined;
  process.send({ point });
  process.kill(process.pid, signal);
}

function tellProblem(what, error) {
  process.send({ problem: error === undefined ? what : `${what}: ${error.name}: ${error.message}` });
}

const client = new Client({ storage: async () => breakStorage(await sharedStorages[kind](place), breakage) });
client.publisher.subscribe(LoggedOut, () => tellProblem("LoggedOut was published"));
if (!(await client.isLoggedIn())) tellProblem("it was logged out when it started");
const syncing = syncs ? client.sync({ timeoutMs: 2000 }).catch((error) => tellProblem("sync", error)) : undefined;
for (let count = 0; !stop.signal.aborted; count++) {
  const startedAt = performance.now();
  try {
    if (count % 5 === 0) await client.sendText(roomId, `${name}, ${count}`);
    else await client.whoami();
    process.send({ answeredAfterMs: performance.now() - startedAt });
  } catch (error) {
    tellProblem("a request", error);
  }
  await delay(pauseMs);
}
if (!(await client.isLoggedIn())) tellProblem("it was logged out in the end");
await client.close();
await syncing;
process.removeAllListeners("disconnect");
process.disconnect();
