// Somebody's application, in CommonJS: `require` of ES modules.
const { Client, ClientClosed } = require("@mx/client");
const { Publisher } = require("@mx/pubsub");
const { memoryStorage } = require("@mx/storage");
const { fileStorage } = require("@mx/storage/file");
const { FakeHomeserver } = require("@mx/testing");

async function main() {
  const homeserver = await FakeHomeserver.start();
  const publisher = new Publisher();
  const baseClientUrl = `${homeserver.url}/_matrix/client/`;
  for (const storage of [() => memoryStorage(), () => fileStorage("alice.log"), new Map()]) {
    const client = new Client({ storage, baseClientUrl, publisher });
    const { flows } = await client.request("GET", "v3/login", { authenticated: false });
    if (flows.length === 0) throw new Error("No login flows");
    const closed = publisher.next(ClientClosed);
    await client.close();
    await closed;
  }
  await homeserver.close();
  console.log("require() works");
}

void main();
