import type { IncomingMessage } from "node:http";
import { FakeHomeserver, faults, type Interceptor, systemEnv } from "@mx/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Client } from "./client.js";
import { endpoint } from "./endpoint.js";
import { ConnectionError, MatrixError } from "./errors.js";
import type { JsonObject } from "./json.js";
import { defaultFetch, fetches } from "./testing/fetches.js";
import { hastyEnv } from "./testing/hasty-env.js";

const {
  afterProcessing,
  answerWith,
  delayAnswer,
  delayProcessing,
  dribbleBody,
  dribbleHeaders,
  dropAfterProcessing,
  dropBeforeProcessing,
  dropInBody,
  endlessBody,
  fallSilentAfterProcessing,
  fallSilentBeforeProcessing,
  gatewayError,
  gzipBomb,
  largeBody,
  largeErrorPage,
  rateLimited,
  redirectTo,
  resetAfterProcessing,
  resetBeforeProcessing,
  resetInBody,
  serverError,
  times,
  truncateBody,
  truncateGzip,
} = faults;

const all = process.env["MX_FAULTS"] === "all";
if (!all)
  console.warn(
    "SHORT: lasting faults happen on Node's default only, and few messages are sent; MX_FAULTS=all is for more.",
  );

/** What happens to requests, and what they are told of it. */
interface Row {
  readonly fault: () => Interceptor;
  /** What a POST is told, and whatever is made again and again when the fault lasts; "done" when it hurts nobody. */
  readonly told: string;
  /** Whether a POST is done, once. */
  readonly isDone?: boolean;
  /** Whether even the POST is made again when it happens once, because it was not processed. */
  readonly isRepeated?: boolean;
  /** Whether not even what has no second effect is made again. */
  readonly isFinal?: boolean;
  /** Whether nothing ends it but the deadline. */
  readonly isEndless?: boolean;
}

const deadlineMs = 12_345;
const lost = "ConnectionError, unclear";
const garbled = "ConnectionError 200, unclear";

const bomb = gzipBomb(300_000);
const rows: Readonly<Record<string, Row>> = {
  "drop before": { fault: dropBeforeProcessing, told: lost },
  "drop after": { fault: dropAfterProcessing, told: lost, isDone: true },
  "reset before": { fault: resetBeforeProcessing, told: lost },
  "reset after": { fault: resetAfterProcessing, told: lost, isDone: true },
  "drop in body": { fault: dropInBody, told: garbled, isDone: true },
  "reset in body": { fault: resetInBody, told: garbled, isDone: true },
  truncated: { fault: truncateBody, told: garbled, isDone: true },
  "truncated gzip": { fault: truncateGzip, told: garbled, isDone: true },
  "silent before": { fault: fallSilentBeforeProcessing, told: lost, isEndless: true },
  "silent after": { fault: fallSilentAfterProcessing, told: lost, isDone: true, isEndless: true },
  "slow headers": {
    fault: () => dribbleHeaders(100),
    told: lost,
    isDone: true,
    isEndless: true,
  },
  "slow body": { fault: () => dribbleBody(100), told: lost, isDone: true, isEndless: true },
  "headers byte by byte": { fault: () => dribbleHeaders(0), told: "done", isDone: true },
  "body byte by byte": { fault: () => dribbleBody(0), told: "done", isDone: true },
  "late request": { fault: () => delayProcessing(20), told: "done", isDone: true },
  "late answer": { fault: () => delayAnswer(20), told: "done", isDone: true },
  endless: { fault: endlessBody, told: garbled, isFinal: true },
  large: { fault: () => largeBody(300_000), told: garbled, isFinal: true },
  bomb: { fault: () => bomb, told: garbled, isFinal: true },
  "large error page": { fault: () => largeErrorPage(300_000), told: "ConnectionError 500, unclear" },
  ...Object.fromEntries(
    ["null", '"{}"', "7", "", "<html>", "{", "\uFEFF", "\uFEFFnull"].map((body) => [
      `answer ${JSON.stringify(body)}`,
      { fault: () => afterProcessing(answerWith(200, body)), told: garbled, isDone: true },
    ]),
  ),
  "no content": { fault: () => answerWith(204), told: "ConnectionError 204, unclear" },
  "500": { fault: serverError, told: "MatrixError 500, unclear" },
  "500 after": { fault: () => afterProcessing(serverError()), told: "MatrixError 500, unclear", isDone: true },
  "502": { fault: gatewayError, told: "ConnectionError 502, unclear" },
  "504 after": {
    fault: () => afterProcessing(gatewayError(504)),
    told: "ConnectionError 504, unclear",
    isDone: true,
  },
  "429": { fault: rateLimited, told: "MatrixError 429", isRepeated: true },
  "429 without words": { fault: () => answerWith(429, "<html>"), told: "ConnectionError 429", isRepeated: true },
  "429 cut off": { fault: () => afterRateLimit(dropInBody()), told: "ConnectionError", isRepeated: true },
  "403": { fault: () => answerWith(403, '{"errcode":"M_FORBIDDEN"}'), told: "MatrixError 403", isFinal: true },
  "403 too large": {
    fault: () => answerWith(403, JSON.stringify({ errcode: "M_FORBIDDEN", error: "a".repeat(70_000) })),
    told: "ConnectionError 403",
    isFinal: true,
  },
  "404 page": { fault: () => answerWith(404, "<html>"), told: "ConnectionError 404", isFinal: true },
  redirect: { fault: () => redirectTo("/elsewhere"), told: "ConnectionError 302", isFinal: true },
};

/** A fault of the way back of a rate limit. */
function afterRateLimit(fault: Interceptor): Interceptor {
  return (request, response, pass, homeserver) => {
    const body = Buffer.from('{"errcode":"M_LIMIT_EXCEEDED"}');
    return fault(request, response, pass, {
      ...homeserver,
      process: async () => ({ status: 429, headers: { "content-type": "application/json" }, body }),
    });
  };
}

/** The homeserver's time: what comes byte by byte comes as fast as it can. */
function startTimer(callback: () => void, delayMs: number): () => void {
  if (delayMs > 0) return systemEnv.startTimer(callback, delayMs);
  const soon = setImmediate(callback);
  return () => clearImmediate(soon);
}

const lasting = Object.keys(rows).filter((name) => rowOf(name).told !== "done");

describe.each(fetches)("Requests by $name", (tested) => {
  const opened = tested.open();
  const { env, expire } = hastyEnv({ deadlineMs });
  let fake: FakeHomeserver;
  let client: Client;
  let roomId: string;
  const faultsByKey = new Map<string, Interceptor>();
  const asked: string[] = [];
  const processed: string[] = [];

  beforeAll(async () => {
    fake = await FakeHomeserver.start({ env: { ...systemEnv, startTimer } });
    fake.register("alice", "secret");
    const storage = new Map();
    client = new Client({
      storage,
      baseClientUrl: `${fake.url}/_matrix/client/`,
      env: { ...env, fetch: opened.fetch },
    });
    await client.login({ user: "alice", password: "secret" });
    roomId = await client.createRoom();
    const keyOf = ({ url = "" }: IncomingMessage): string => new URL(url, fake.url).searchParams.get("fault") ?? "";
    fake.intercept(/./, (request, _, pass) => {
      processed.push(keyOf(request));
      return pass();
    });
    fake.intercept(/./, (request, response, pass, homeserver) => {
      asked.push(keyOf(request));
      const fault = faultsByKey.get(keyOf(request));
      return fault ? fault(request, response, pass, homeserver) : pass();
    });
  });
  afterAll(async () => {
    await client.close();
    opened.close();
    await fake.close();
  });

  /** Makes a request that a fault happens to, and says what it was told. */
  async function tell(key: string, fault: Interceptor, call: (query: { fault: string }) => Promise<unknown>) {
    faultsByKey.set(key, fault);
    const told = await call({ fault: key }).then(() => "done", describeError);
    return { told, attempts: timesIn(asked, key) };
  }

  /** What a row of the table does to each kind of request. */
  async function run(name: string, { fault, isEndless = false }: Row, count: number) {
    const limits = { timeoutMs: isEndless ? deadlineMs : 60_000, maxBodyBytes: 100_000 };
    const key = `${name}, ${count}`;
    const [get, put, post, idempotent] = await Promise.all([
      tell(`GET ${key}`, times(count, fault()), (query) =>
        client.request("GET", "v3/account/whoami", { ...limits, query }),
      ),
      tell(`PUT ${key}`, times(count, fault()), (query) =>
        client.request("PUT", endpoint`v3/rooms/${roomId}/send/m.room.message/${key}`, {
          ...limits,
          query,
          body: { msgtype: "m.text", body: `PUT ${key}` },
        }),
      ),
      tell(`POST ${key}`, times(count, fault()), (query) =>
        client.request("POST", "v3/createRoom", { ...limits, query, body: {} }),
      ),
      tell(`idempotent POST ${key}`, times(count, fault()), (query) =>
        client.request("POST", "v3/createRoom", { ...limits, query, body: {}, idempotent: true }),
      ),
    ]);
    return { name, get, put, post, idempotent };
  }

  /** The same for rows of the table. The deadline comes when all that it is to end has gone as far as it will. */
  async function runAll(names: readonly string[], count: number) {
    const outcomes = Promise.all(names.map((name) => run(name, rowOf(name), count)));
    const kinds = ["GET", "PUT", "POST", "idempotent POST"];
    const keysWhere = (isMeant: (row: Row) => boolean): string[] =>
      names.filter((name) => isMeant(rowOf(name))).flatMap((name) => kinds.map((kind) => `${kind} ${name}, ${count}`));
    await vi.waitFor(
      () => {
        expect(asked).toEqual(expect.arrayContaining(keysWhere(({ isEndless }) => isEndless === true)));
        expect(processed).toEqual(
          expect.arrayContaining(keysWhere(({ isEndless, isDone }) => isEndless === true && isDone === true)),
        );
      },
      { interval: 5, timeout: 10_000 },
    );
    expire();
    return outcomes;
  }

  async function textsSent(): Promise<unknown[]> {
    const path = endpoint`v3/rooms/${roomId}/messages`;
    const query = { dir: "b", limit: 1000 };
    const { chunk } = await client.request<{ chunk: { type: string; content: JsonObject }[] }>("GET", path, { query });
    return chunk.flatMap(({ type, content }) => (type === "m.room.message" ? [content["body"]] : []));
  }

  it("are answered, or told what is known, when something goes wrong once (threats 2, 5, 6, 9)", async () => {
    const outcomes = await runAll(Object.keys(rows), 1);
    const texts = await textsSent();
    for (const { name, get, put, post, idempotent } of outcomes) {
      const { told, isDone = false, isRepeated = false, isEndless = false, isFinal = isEndless } = rowOf(name);
      const attempts = isFinal || told === "done" ? 1 : 2;
      const atLast = isFinal ? told : "done";
      expect({ name, get, put, idempotent }).toEqual({
        name,
        get: { told: atLast.replace(", unclear", ""), attempts },
        put: { told: atLast, attempts },
        idempotent: { told: atLast, attempts },
      });
      expect({ name, post }).toEqual({ name, post: isRepeated ? { told: "done", attempts } : { told, attempts: 1 } });
      const isSent = atLast === "done" || isDone;
      expect({ name, sent: timesIn(texts, `PUT ${name}, 1`) }).toEqual({ name, sent: isSent ? 1 : 0 });
      expect({ name, made: timesIn(processed, `POST ${name}, 1`) }).toEqual({
        name,
        made: isDone || isRepeated ? 1 : 0,
      });
    }
  });

  // What is tried again does not depend on the fetch.
  it.runIf(tested === defaultFetch || all)(
    "end when it goes wrong again and again, after ten attempts at most, and say what is known (threats 5, 6, 8, 9)",
    async () => {
      const outcomes = await runAll(lasting, Infinity);
      const texts = await textsSent();
      for (const { name, get, put, post, idempotent } of outcomes) {
        const { told, isDone = false } = rowOf(name);
        expect({ name, get: get.told, put: put.told, post: post.told, idempotent: idempotent.told }).toEqual({
          name,
          get: told.replace(", unclear", ""),
          put: told,
          post: told,
          idempotent: told,
        });
        for (const { attempts } of [get, put, idempotent]) expect(attempts).toBeLessThanOrEqual(10);
        expect({ name, sent: timesIn(texts, `PUT ${name}, Infinity`) }).toEqual({ name, sent: isDone ? 1 : 0 });
        expect({ name, made: timesIn(processed, `POST ${name}, Infinity`) }).toEqual({ name, made: isDone ? 1 : 0 });
      }
    },
  );
});

const timesIn = (list: readonly unknown[], key: string): number => list.filter((one) => one === key).length;

function rowOf(name: string): Row {
  const row = rows[name];
  if (!row) throw new Error(`There is no row "${name}"`);
  return row;
}

function describeError(error: unknown): string {
  if (!(error instanceof MatrixError || error instanceof ConnectionError)) return String(error);
  const status = error.status === undefined ? "" : ` ${error.status}`;
  return `${error.name}${status}${error.outcomeUnknown ? ", unclear" : ""}`;
}
