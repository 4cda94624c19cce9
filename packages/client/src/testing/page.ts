import { Client, discover, EventReceived } from "../index.js";

/** What a page does with the client: all of the main job, in a browser. The test calls it with the homeserver of the test. */
async function useClient(homeserver: string, user: string, password: string): Promise<Record<string, unknown>> {
  const storage = new Map<string, unknown>();
  const found = await discover(homeserver);
  const client = new Client({ storage, ...found });
  const identity = await client.login({ user, password });
  const roomId = await client.createRoom({ name: "From a browser" });
  const eventId = await client.sendText(roomId, "Hello from a page");
  const receiving = client.publisher.next(EventReceived, { filter: ({ event }) => event.event_id === eventId });
  const syncing = client.sync();
  const { event } = await receiving;
  await client.close();
  await syncing;

  const later = new Client({ storage });
  const isStillLoggedIn = await later.isLoggedIn();
  await later.logout();
  const refusal: unknown = await later.whoami().catch((error: unknown) => error);
  await later.close();
  return {
    baseClientUrl: found.baseClientUrl,
    userId: identity.userId,
    received: event.content["body"],
    isStillLoggedIn,
    refusal: refusal instanceof Error && refusal.name,
  };
}

Object.assign(globalThis, { useClient });
