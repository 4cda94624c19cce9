// One person of the demo: a process with a client of its own. It does what its parent tells it, one line at a time, and says what
// happens to it.
import { Client, discover, EventReceived, Invited } from "@mx/client";
import { storages } from "./open-storage.mjs";

const { PERSON: name, STORAGE: storage, FOLDER: folder, HOMESERVER: homeserver } = process.env;
const say = (message) => process.send(message);

const client = new Client({
  storage: () => storages[storage](folder, name), // opened on the first call, closed with the client
  homeserver: () => discover(homeserver), // asked once: later runs find it in the storage, and the session
});
const hasLoggedIn = !(await client.isLoggedIn());
if (hasLoggedIn) {
  await client.login({ user: process.env.USER_NAME, password: process.env.PASSWORD, deviceName: `@mx demo, ${name}` });
}

client.publisher.subscribe(Invited, async ({ roomId }) => {
  await client.joinRoom(roomId);
  say({ joined: roomId });
});
client.publisher.subscribe(EventReceived, ({ roomId, event }) => {
  // A homeserver tells a device what that has sent, too; such an event has the transaction ID that it was sent with.
  const isOwn = event.unsigned?.transaction_id !== undefined;
  if (event.type === "m.room.message" && !isOwn) say({ received: event.content.body, roomId });
});

const orders = {
  createRoom: async (invite) => ({ created: await client.createRoom({ name: "The @mx demo", invite }) }),
  send: async ({ roomId, text }) => ({ sent: text, eventId: await client.sendText(roomId, text) }),
  logOut: async ({ roomId }) => {
    await client.leaveRoom(roomId);
    await client.logout();
    return { loggedOut: true };
  },
  stop: async () => {
    await client.close();
    process.disconnect();
  },
};
process.on("message", ([order, argument]) => {
  orders[order](argument).then(
    (answer) => answer && say(answer),
    (error) => say({ failed: error.message }),
  );
});

say({ ready: { ...(await client.identity()), hasLoggedIn } });
await client.sync();
