import { afterAll, beforeAll, describe } from "vitest";
import { access } from "./testing/access.js";
import { membership } from "./testing/membership.js";
import { reading } from "./testing/reading.js";
import { refreshing } from "./testing/refreshing.js";
import { rooms } from "./testing/rooms.js";
import { sending } from "./testing/sending.js";
import { syncing } from "./testing/syncing.js";
import type { Server } from "./testing/user.js";
import { wire } from "./testing/wire.js";
import { FakeHomeserver } from "./index.js";

const synapseUrl = process.env["MX_SYNAPSE_URL"];

if (synapseUrl === undefined) {
  process.stderr.write(
    "\n*** MX_SYNAPSE_URL is not set: the tests of @mx/testing on a real Synapse are SKIPPED ***\n\n",
  );
}

/** What a homeserver does, whichever it is. */
function behaviour(server: Server): void {
  wire(server);
  access(server);
  refreshing(server);
  rooms(server);
  membership(server);
  sending(server);
  reading(server);
  syncing(server);
}

describe("FakeHomeserver", () => {
  const server = { url: "" };
  let homeserver: FakeHomeserver;
  beforeAll(async () => {
    homeserver = await FakeHomeserver.start();
    server.url = homeserver.url;
  });
  afterAll(() => homeserver.close());
  behaviour(server);
});

describe.skipIf(synapseUrl === undefined)("Synapse", { timeout: 60_000 }, () => {
  behaviour({ url: synapseUrl ?? "" });
});
