// Somebody's application, as ESM: it uses nothing but installed packages, and does the main job.
import { Client, discover, EventReceived } from "@mx/client";
import { encryptedStorage } from "@mx/storage/encryption";
import { keyvStore } from "@mx/storage/keyv";
import { sqliteStorage } from "@mx/storage/sqlite";
import { FakeHomeserver } from "@mx/testing";

const homeserver = await FakeHomeserver.start();
homeserver.register("alice", "secret");

const storage = async () => encryptedStorage(await sqliteStorage("alice.db"), "a passphrase");
const client = new Client({ storage, ...(await discover(homeserver.url)) });
if (!(await client.isLoggedIn())) await client.login({ user: "alice", password: "secret" });
const roomId = await client.createRoom();
await client.sendText(roomId, "Hello");
const received = client.publisher.next(EventReceived, { filter: ({ event }) => event.content.body === "Hello" });
const syncing = client.sync();
await received;
await client.close();
await syncing;

const later = new Client({ storage });
if (!(await later.isLoggedIn())) throw new Error("The session is not in the storage");
await later.logout();
await later.close();
await homeserver.close();

const store = keyvStore(() => sqliteStorage("cache.db"));
await store.set("key", "value");
if ((await store.get("key")) !== "value") throw new Error("The store of a Keyv does not work");
await store.disconnect();
console.log("The ES module works");
