// What an authenticated request costs the process that makes it: @mx/client beside node:http by hand, and other ways.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { compareSideBySide } from "./harness/side-by-side.mjs";
import { contestants } from "./request/contestants.mjs";

const content = { msgtype: "m.text", body: "A text of a usual length, as people write it in rooms." };
const roomId = encodeURIComponent("!QtykxKocfZaZOUrTwp:example.org");
let count = 0;

const requests = {
  async "GET, one by one"(ask) {
    const answer = await ask("GET", "v3/account/whoami");
    return answer.user_id;
  },
  async "PUT, one by one"(ask) {
    const answer = await ask("PUT", `v3/rooms/${roomId}/send/m.room.message/m${count++}`, content);
    return answer.event_id;
  },
};

const cases = Object.entries(requests).flatMap(([name, make]) => [
  makeCase(name, make, 1),
  makeCase(name.replace("one by one", "10 at a time"), make, 10),
]);

function makeCase(name, make, atATime) {
  const ways = Object.entries(contestants).map(([way, open]) => [way, () => start(open, make, atATime)]);
  return { name, goal: 1.7, ours: "@mx/client", theirs: "node:http", contestants: Object.fromEntries(ways) };
}

async function start(open, make, atATime) {
  const ask = await open(process.env.MX_BENCH_SERVER);
  return async (times) => {
    let left = times;
    const work = async () => {
      while (left-- > 0) if (typeof (await make(ask)) !== "string") throw new Error("The answer is another one");
    };
    await Promise.all(Array.from({ length: atATime }, work));
  };
}

if (process.env.MX_BENCH_SERVER === undefined) {
  const server = fork(fileURLToPath(new URL("request/server-process.mjs", import.meta.url)));
  [process.env.MX_BENCH_SERVER] = await once(server, "message");
  await compareSideBySide(import.meta.url, cases, { batchMs: 150 });
  server.disconnect();
} else await compareSideBySide(import.meta.url, cases, { batchMs: 150 });
