// A process that has been logged in, says so, and does not get to store it: the test kills it then.
import { Client, discover } from "@mx/client";
import { sqliteStorage } from "@mx/storage/sqlite";

const [homeserver, user, password, file] = process.argv.slice(2);
const never = new Promise(() => {});
let isAnswered = false;

/** Stores what is to be stored before the homeserver has answered, and nothing after it. */
function stoppingWhenAnswered(storage) {
  return new Proxy(storage, {
    get(target, name) {
      if (name === "namespace") return (child) => stoppingWhenAnswered(target.namespace(child));
      // Who comes after it waits for its lease.
      if (name === "lease") return (lease, options) => target.lease(lease, { ...options, ttlMs: 300 });
      if (name === "transaction" && isAnswered) {
        process.stdout.write("answered");
        return () => never;
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function fetchAndSay(url, init) {
  const response = await fetch(url, init);
  isAnswered ||= init.method === "POST" && url.endsWith("/login") && response.ok;
  return response;
}

const client = new Client({
  storage: async () => stoppingWhenAnswered(await sqliteStorage(file)),
  env: { fetch: fetchAndSay },
  ...(await discover(homeserver)),
});
await client.login({ user, password });
