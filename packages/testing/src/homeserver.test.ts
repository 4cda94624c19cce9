import { afterAll, beforeAll, describe } from "vitest";
import { access } from "./behaviour/access.js";
import { membership } from "./behaviour/membership.js";
import { reading } from "./behaviour/reading.js";
import { rooms } from "./behaviour/rooms.js";
import { sending } from "./behaviour/sending.js";
import { syncing } from "./behaviour/syncing.js";
import type { Server } from "./behaviour/user.js";
import { wire } from "./behaviour/wire.js";
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
