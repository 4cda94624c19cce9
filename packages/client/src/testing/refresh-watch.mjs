import { createHash } from "node:crypto";
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { pipeline } from "node:stream";

/** Stands between clients and their homeserver, and counts the refreshes that it sees. */
export class RefreshWatch {
  /** Those that the homeserver has granted. */
  granted = 0;
  /** Those among them for a refresh token that had got tokens before: the tokens of one of the two are dead. */
  repeated = 0;
  refused = 0;
  url;
  #homeserver;
  #server;
  #agent = new Agent({ keepAlive: true });
  #spent = new Set();

  static async start(homeserver) {
    const watch = new RefreshWatch();
    watch.#homeserver = homeserver;
    // The sockets of clients stay open for longer than anybody waits.
    watch.#server = createServer({ keepAliveTimeout: 60_000 }, (...exchange) => watch.#forward(...exchange));
    watch.#server.listen(0, "127.0.0.1");
    await once(watch.#server, "listening");
    watch.url = `http://127.0.0.1:${watch.#server.address().port}`;
    return watch;
  }

  async close() {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #forward(incoming, outgoing) {
    const { method, url, headers } = incoming;
    const isRefresh = method === "POST" && url.endsWith("/v3/refresh");
    const body = [];
    const agent = isRefresh ? false : this.#agent;
    const onward = request(new URL(url, this.#homeserver), { method, headers, agent }, (answer) => {
      if (isRefresh) this.#count(JSON.parse(Buffer.concat(body)).refresh_token, answer.statusCode);
      outgoing.writeHead(answer.statusCode, answer.headers);
      pipeline(answer, outgoing, () => {});
    });
    onward.on("error", () => outgoing.destroy());
    // What is on its way counts, also when the client is no more.
    if (isRefresh) incoming.on("data", (chunk) => body.push(chunk));
    else outgoing.on("close", () => outgoing.writableFinished || onward.destroy());
    incoming.pipe(onward);
  }

  #count(refreshToken, status) {
    if (status !== 200) {
      this.refused++;
      return;
    }
    this.granted++;
    const hash = createHash("sha256").update(refreshToken).digest("base64");
    if (this.#spent.has(hash)) this.repeated++;
    this.#spent.add(hash);
  }
}
