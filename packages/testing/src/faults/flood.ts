import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Interceptor } from "../interceptors.js";
import { HTML, JSON_TYPE } from "./content-types.js";

const BLOCK = Buffer.alloc(65_536, "a");
const JSON_START = '{"padding":"';
const JSON_END = '"}';

/** Answers with 200 and a JSON body that never ends. The homeserver does not process the request. */
export function endlessBody(): Interceptor {
  return async (_request, response) => {
    response.writeHead(200, { "Content-Type": JSON_TYPE });
    await send(response, padding(JSON_START, Infinity, JSON_END));
  };
}

/**
 * Answers with 200 and a valid JSON object of so many bytes, at least 14, that are made while they are sent. The homeserver does
 * not process the request.
 */
export function largeBody(bytes = 200_000_000): Interceptor {
  return async (_request, response) => {
    response.writeHead(200, { "Content-Type": JSON_TYPE, "Content-Length": bytes });
    await send(response, padding(JSON_START, bytes, JSON_END));
  };
}

/**
 * Answers with an HTML page of so many bytes, at least 13, that are made while they are sent. The homeserver does not process
 * the request.
 */
export function largeErrorPage(bytes = 50_000_000, status = 500): Interceptor {
  return async (_request, response) => {
    response.writeHead(status, { "Content-Type": HTML, "Content-Length": bytes });
    await send(response, padding("<html>", bytes, "</html>"));
  };
}

/**
 * Answers with 200 and a valid JSON object that has so many bytes, at least 14, once it is inflated, and about a thousandth of them
 * before. The homeserver does not process the request.
 */
export function gzipBomb(inflatedBytes = 200_000_000): Interceptor {
  // To compress it takes a while, which the first answer pays for all.
  let compressed: Promise<Buffer> | undefined;
  return async (_request, response) => {
    compressed ??= buffer(Readable.from(padding(JSON_START, inflatedBytes, JSON_END)).pipe(createGzip()));
    response.setHeader("Content-Encoding", "gzip");
    response.setHeader("Content-Type", JSON_TYPE);
    response.end(await compressed);
  };
}

/** Bytes between a start and an end, so many in all. */
function* padding(start: string, bytes: number, end: string): Generator<Buffer> {
  yield Buffer.from(start);
  for (let left = bytes - start.length - end.length; left > 0; left -= BLOCK.length) yield BLOCK.subarray(0, left);
  yield Buffer.from(end);
}

/** Sends as fast as the client takes it. */
async function send(response: ServerResponse, body: Iterable<Buffer>): Promise<void> {
  await pipeline(Readable.from(body), response);
}
