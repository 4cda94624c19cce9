// Somebody's application on another runtime than Node, with what runs everywhere.
import { Client, discover, EventReceived } from "@mx/client";
import { memoryStorage } from "@mx/storage";
import { FakeHomeserver } from "@mx/testing";

const homeserver = await FakeHomeserver.start();
homeserver.register("alice", "secret");

const client = new Client({ storage: memoryStorage(), ...(await discover(homeserver.url)) });
await client.login({ user: "alice", password: "secret" });
const roomId = await client.createRoom();
const received = client.publisher.next(EventReceived, { filter: ({ event }) => event.content.body === "Hello" });
const syncing = client.sync();
await client.sendText(roomId, "Hello");
await received;
await client.close();
await syncing;
await homeserver.close();
console.log("The main job works");
