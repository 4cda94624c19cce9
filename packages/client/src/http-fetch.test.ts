import { Agent, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import { readText } from "./body.js";
import type { FetchInit } from "./fetch.js";
import { httpFetch } from "./http-fetch.js";
import { closing } from "./testing/closing.js";
import { startWire } from "./testing/wire.js";

const serve = async (listener: RequestListener) => closing(await startWire(listener));

function agentOf(maxSockets = Infinity): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets });
  closing({ close: () => agent.destroy() });
  return agent;
}

const getWith = (signal: AbortSignal): FetchInit => ({ method: "GET", headers: {}, redirect: "manual", signal });

async function textOf(url: string, agent = agentOf(), signal = new AbortController().signal): Promise<string> {
  const { body } = await httpFetch(url, getWith(signal), agent);
  return readText(body, 1_000_000, "GET it");
}

describe("httpFetch", () => {
  const text = JSON.stringify({ greeting: "grüße 👋".repeat(100) });

  it.each([
    ["gzip", gzipSync(text)],
    ["X-GZip", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["br", brotliCompressSync(text)],
  ])("reads an answer that is compressed by %s, and no half of one", async (encoding, compressed) => {
    let cut = 0;
    const { url } = await serve((_, response) => {
      response.setHeader("content-encoding", encoding);
      response.end(compressed.subarray(0, compressed.length - cut));
    });
    expect(await textOf(url)).toBe(text);
    cut = 5;
    await expect(textOf(url)).rejects.toThrow("unexpected end of file");
  });

  it.each(["constructor", "__proto__", "gzip, gzip", "zstd", ""])(
    "leaves an answer as it is whose encoding is %j, whatever that is",
    async (encoding) => {
      const { url } = await serve((_, response) => {
        response.setHeader("content-encoding", encoding);
        response.end("{}");
      });
      expect(await textOf(url)).toBe("{}");
    },
  );

  it("joins headers that come twice, and says null of those that do not come", async () => {
    const { url } = await serve((_, response) => {
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      response.end();
    });
    const { headers } = await httpFetch(url, getWith(new AbortController().signal), agentOf());
    expect([headers.get("set-cookie"), headers.get("location")]).toEqual(["a=1, b=2", null]);
  });

  it("rejects at once when it is aborted, also while it waits for a socket that others have", async () => {
    const reason = new Error("enough");
    let isClosed = false;
    const wire = await serve((_, response) => {
      response.on("close", () => {
        isClosed = true;
      });
    });
    const agent = agentOf(1);
    const [first, second] = [new AbortController(), new AbortController()];
    const answered = textOf(wire.url, agent, first.signal);
    await vi.waitFor(() => expect(wire.requests).toHaveLength(1));
    const waiting = textOf(wire.url, agent, second.signal);
    second.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    first.abort("no error");
    await expect(answered).rejects.toBe("no error");
    await vi.waitFor(() => expect(isClosed).toBe(true));
  });

  it("gives the socket to the next when a request was aborted that waited for it", async () => {
    const held: (() => void)[] = [];
    const wire = await serve((_, response) => void held.push(() => response.end("{}")));
    const agent = agentOf(1);
    const aborted = new AbortController();
    const first = textOf(wire.url, agent);
    const second = textOf(wire.url, agent, aborted.signal);
    const third = textOf(wire.url, agent);
    aborted.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    await vi.waitFor(() => expect(held).toHaveLength(1));
    held[0]?.();
    expect(await first).toBe("{}");
    await vi.waitFor(() => expect(held).toHaveLength(2));
    held[1]?.();
    expect(await third).toBe("{}");
  });

  it.each([
    ["sends too many headers", `HTTP/1.1 200 OK\r\nx: ${"a".repeat(100_000)}\r\n\r\n{}`],
    ["does not speak HTTP", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["says two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"],
  ])("rejects when a server %s", async (_, answer) => {
    const server = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.write(answer));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    closing({ close: () => server.close() });
    const { port } = server.address() as AddressInfo;
    await expect(textOf(`http://127.0.0.1:${port}`)).rejects.toBeInstanceOf(Error);
  });
});
