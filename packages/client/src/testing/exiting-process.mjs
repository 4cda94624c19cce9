// A process that uses a client in every way that holds sockets and timers, closes it, says so, and has nothing more to do.
import { Client, discover, EventReceived } from "@mx/client";
import { fileStorage } from "@mx/storage/file";

const [homeserver, user, password, file] = process.argv.slice(2);
const client = new Client({ storage: () => fileStorage(file), ...(await discover(homeserver)) });
await client.login({ user, password });
const received = client.publisher.next(EventReceived);
const syncing = client.sync();
await client.sendText(await client.createRoom(), "Hello");
await received;
await client.whoami();
await client.close();
await syncing;
process.stdout.write("closed");
