// Somebody's application in TypeScript, as strict as TypeScript is by itself, with the declarations of all packages checked, too.
import { Client, type CreateRoomOptions, discover, EventReceived, Invited } from "@mx/client";
import { Publisher } from "@mx/pubsub";
import { memoryStorage, type Storage } from "@mx/storage";
import { encryptedStorage, type Secret } from "@mx/storage/encryption";
import { fileStorage } from "@mx/storage/file";
import { keyvStore, type KeyvStore } from "@mx/storage/keyv";
import { FakeHomeserver } from "@mx/testing";

interface Topic {
  topic: string;
}

export async function main(name: string | undefined, publisher: Publisher): Promise<string | undefined> {
  const homeserver = await FakeHomeserver.start();
  const storage: Storage = name === undefined ? memoryStorage() : await fileStorage(name);
  const client = new Client({ storage, publisher, homeserver: () => discover(homeserver.url) });
  client.publisher.subscribe([EventReceived, Invited], (message) => console.log(message.roomId));
  const options: CreateRoomOptions = { name };
  const roomId = await client.createRoom(options);
  const content: Topic = { topic: "Types" };
  await client.sendStateEvent(roomId, "m.room.topic", "", content);
  const { topic } = await client.request<Topic>("GET", `v3/rooms/${roomId}/state/m.room.topic`);
  for await (const { event } of client.publisher.messages(EventReceived)) {
    const { body } = event.content;
    if (typeof body === "string") return body + topic;
  }
  return undefined;
}

export async function openEncrypted(name: string, secret: Secret): Promise<KeyvStore> {
  return keyvStore(await encryptedStorage(await fileStorage(name, { durability: "process" }), secret));
}
