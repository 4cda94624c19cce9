// A server that answers at once what a homeserver answers, so that the time is that of who asks. It ends with the process that has
// started it.
import { once } from "node:events";
import { createServer } from "node:http";

const answers = {
  GET: '{"user_id":"@alice:example.org","device_id":"GHTYAJCE","is_guest":false}',
  PUT: '{"event_id":"$YUwRidLecu:example.com-long-enough-to-look-like-one"}',
};

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume().on("end", () => {
    const answer = answers[request.method];
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(answer),
      "access-control-allow-origin": "*",
      "cache-control": "no-cache, no-store, must-revalidate",
    });
    response.end(answer);
  });
}).listen(0, "127.0.0.1");
await once(server, "listening");
process.on("disconnect", () => process.exit());
process.send(`http://127.0.0.1:${server.address().port}`);
