import { afterAll, beforeAll, describe } from "vitest";
import { access } from "./testing/access.js";
import { authenticating } from "./testing/authenticating.js";
import { membership } from "./testing/membership.js";
import { moderation } from "./testing/moderation.js";
import { reading } from "./testing/reading.js";
import { refreshing } from "./testing/refreshing.js";
import { rooms } from "./testing/rooms.js";
import { sending } from "./testing/sending.js";
import { SynapseModerator } from "./testing/synapse-moderator.js";
import { syncing } from "./testing/syncing.js";
import type { Server } from "./testing/user.js";
import { wire } from "./testing/wire.js";
import { FakeHomeserver } from "./index.js";

const synapseUrl = process.env["MX_SYNAPSE_URL"];
const sharedSecret = process.env["MX_SYNAPSE_SHARED_SECRET"];

if (synapseUrl === undefined) {
  process.stderr.write(
    "\n*** MX_SYNAPSE_URL is not set: the tests of @mx/testing on a real Synapse are SKIPPED ***\n\n",
  );
} else if (sharedSecret === undefined) {
  process.stderr.write(
    "\n*** MX_SYNAPSE_SHARED_SECRET is not set: the tests of locked and suspended accounts on Synapse are SKIPPED ***\n\n",
  );
}

/** What a homeserver does, whichever it is. */
function behaviour(server: Server): void {
  wire(server);
  access(server);
  refreshing(server);
  authenticating(server);
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
  moderation(server, () => homeserver);
});

describe.skipIf(synapseUrl === undefined)("Synapse", { timeout: 60_000 }, () => {
  const server = { url: synapseUrl ?? "" };
  behaviour(server);
  describe.skipIf(sharedSecret === undefined)("moderated", () => {
    const moderator = new SynapseModerator(server, sharedSecret ?? "");
    moderation(server, () => moderator);
  });
});
