// A fake homeserver in a process of its own: it says where it is, and ends with the process that has started it.
import { FakeHomeserver } from "../../packages/testing/dist/index.js";

const fake = await FakeHomeserver.start({ accessTokenLifetimeMs: Number(process.argv[2]) });
// It records all requests, and there are very many.
setInterval(() => (fake.requests.length = 0), 1000);
process.on("disconnect", () => process.exit());
process.send(fake.url);
