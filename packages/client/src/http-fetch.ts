import { type Agent, type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline, type Readable } from "node:stream";
import { urlToHttpOptions } from "node:url";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { FetchResponse, OwnFetchInit } from "./fetch.js";
import { onAbort } from "./signals.js";

const decompressors: ReadonlyMap<string, () => NodeJS.ReadWriteStream & Readable> = new Map([
  ["gzip", createGunzip],
  ["x-gzip", createGunzip],
  ["deflate", createInflate],
  ["br", createBrotliDecompress],
]);

/** A request over Node's own HTTP. It follows no redirect, and its body rejects when it is cut, also when it is compressed. */
export function httpFetch(url: string, init: OwnFetchInit, agent: Agent): Promise<FetchResponse> {
  const { method, body, signal } = init;
  const headers: Record<string, string | number> = { ...init.headers, "accept-encoding": "gzip, deflate, br" };
  if (body !== undefined) headers["content-length"] = Buffer.byteLength(body);
  return new Promise((resolve, reject) => {
    const send = url.startsWith("https:") ? httpsRequest : httpRequest;
    const request = send({ ...targetOf(url), method, headers, agent });
    request.on("response", (message) => resolve(new HttpResponse(url, message)));
    request.on("error", reject);
    onAbort(signal, () => {
      // A request that waits for a socket would tell its end only when it gets one.
      reject(signal.reason);
      request.destroy();
    });
    request.end(body);
  });
}

type Target = Pick<RequestOptions, "protocol" | "hostname" | "port" | "path">;

/** Where requests go: parsing each URL would take a tenth of the time of a request, and nearly all go where the one before went. */
let lastOrigin = "";
let lastServer: Target = {};

function targetOf(url: string): Target {
  const pathAt = url.indexOf("/", "https://".length);
  const origin = pathAt === -1 ? url : url.slice(0, pathAt);
  if (origin !== lastOrigin) {
    const { protocol, hostname, port } = urlToHttpOptions(new URL(origin));
    lastServer = { protocol, hostname, port };
    lastOrigin = origin;
  }
  return { ...lastServer, path: pathAt === -1 ? "/" : url.slice(pathAt) };
}

class HttpResponse implements FetchResponse {
  readonly status: number;
  readonly url: string;
  readonly body: Readable;
  readonly #message: IncomingMessage;

  constructor(url: string, message: IncomingMessage) {
    this.status = message.statusCode ?? 0;
    this.url = url;
    this.#message = message;
    this.body = decompressed(message);
  }

  get headers(): FetchResponse["headers"] {
    const { headers } = this.#message;
    return {
      get(name) {
        const value = headers[name];
        return Array.isArray(value) ? value.join(", ") : (value ?? null);
      },
    };
  }
}

function decompressed(message: IncomingMessage): Readable {
  const { "content-encoding": encoding } = message.headers;
  const decompress = encoding === undefined ? undefined : decompressors.get(encoding.trim().toLowerCase());
  if (!decompress) return message;
  // What goes wrong with one goes wrong with the other: whoever reads is told.
  return pipeline(message, decompress(), () => {});
}
