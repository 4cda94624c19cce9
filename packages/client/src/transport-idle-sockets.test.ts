import { FakeHomeserver } from "@mx/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client } from "./client.js";
import { endpoint } from "./endpoint.js";
import type { Fetch } from "./fetch.js";
import type { JsonObject } from "./json.js";
import { accessTokenOf } from "./testing/access-token-of.js";
import { closing } from "./testing/closing.js";
import { defaultFetch, fetches, nodeFetchAlone } from "./testing/fetches.js";
import { type HastyEnv, hastyEnv } from "./testing/hasty-env.js";

const isLong = process.env["MX_FAULTS"] === "all";
if (!isLong)
  console.warn("SHORT: idle sockets are dropped under 500 requests of each fetch; MX_FAULTS=all takes 1600.");

let fake: FakeHomeserver;
let accessToken: string;
beforeAll(async () => {
  fake = await FakeHomeserver.start();
  fake.register("alice", "secret");
  accessToken = await accessTokenOf(fake, { user: "alice", password: "secret", userId: "" });
});
afterAll(() => fake.close());

/** From now on, the homeserver drops idle sockets 0, 1 or 2 ms after an answer, in the same order each time. */
function dropIdleSockets(): void {
  let state = 20_260_101;
  closing({ close: fake.dropIdleSocketsAfter(() => (state = (state * 48_271) % 2_147_483_647) % 3) });
}

/** A wait is long enough for all sockets that were dropped to be known as dropped, also on a busy machine. */
const patientEnv = (): HastyEnv => hastyEnv({ longestWaitMs: 50 });

/**
 * A client that has a session, over a fetch of its own. The runtime's own keeps sockets from one test to the next, and some of them were
 * dropped: so it gets its session by a request that can be made again.
 */
async function logInOver(fetch: Fetch, waits = patientEnv()): Promise<Client> {
  const baseClientUrl = `${fake.url}/_matrix/client/`;
  const client = closing(new Client({ storage: new Map(), baseClientUrl, env: { ...waits.env, fetch } }));
  await client.login({ accessToken });
  return client;
}

/** A room that was made over connections that nobody drops. */
async function makeRoom(): Promise<string> {
  const opened = closing(defaultFetch.open());
  return (await logInOver(opened.fetch)).createRoom();
}

/** Makes calls, so many at a time, and resolves with what they reject with. */
async function failuresOf(calls: readonly (() => Promise<unknown>)[], atATime: number): Promise<unknown[]> {
  const failures: unknown[] = [];
  const left = calls.values();
  const work = async (): Promise<void> => {
    for (const call of left) await call().catch((error: unknown) => failures.push(error));
  };
  await Promise.all(Array.from({ length: atATime }, work));
  return failures;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

async function textsIn(client: Client, roomId: string): Promise<unknown[]> {
  const query = { dir: "b", limit: 10_000 };
  const path = endpoint`v3/rooms/${roomId}/messages`;
  const { chunk } = await client.request<{ chunk: { type: string; content: JsonObject }[] }>("GET", path, { query });
  return chunk.flatMap(({ type, content }) => (type === "m.room.message" ? [content["body"]] : []));
}

async function roomsOf(client: Client): Promise<number> {
  return (await client.request<{ joined_rooms: string[] }>("GET", "v3/joined_rooms")).joined_rooms.length;
}

it("A server that drops idle sockets breaks 150 of 500 requests that node-fetch makes alone", async () => {
  const { fetch } = closing(nodeFetchAlone.open());
  dropIdleSockets();
  const { signal } = new AbortController();
  const url = `${fake.url}/_matrix/client/versions`;
  const get = async (): Promise<void> => {
    const response = await fetch(url, { method: "GET", headers: {}, redirect: "manual", signal });
    await new Response(response.body as ReadableStream).text();
  };
  const failures = await failuresOf(
    Array.from({ length: 500 }, () => get),
    1,
  );
  console.info(`node-fetch alone: ${failures.length} of 500 requests failed`);
  expect(failures.length).toBeGreaterThanOrEqual(150);
});

it("A connection of its own is asked for where one that is kept could do harm, or has done", async () => {
  const opened = closing(defaultFetch.open());
  const alone: string[] = [];
  const lost = new Set<string>();
  const client = await logInOver(async (url, init) => {
    alone.push(`${init.method} ${init.isAlone}`);
    if (lost.delete(init.method)) throw new Error("lost");
    return opened.fetch(url, init);
  });
  alone.length = 0;
  lost.add("GET").add("PUT");
  await client.whoami();
  const roomId = await client.createRoom();
  await client.sendText(roomId, "Hello");
  await client.joinRoom(roomId);
  expect(alone).toEqual(["GET false", "GET true", "POST true", "PUT false", "PUT true", "POST false"]);
});

describe.each(fetches)("A server that drops idle sockets, by $name", (tested) => {
  const scale = isLong ? 8 : tested === defaultFetch ? 5 : 1;
  const texts = numbers(25 * scale).map((number) => `text ${number}`);
  const posts = numbers(12 * scale);

  it.each([1, 50])("fails no GET and no PUT, and does each once, %i at a time", async (atATime) => {
    const client = await logInOver(closing(tested.open()).fetch);
    const roomId = await makeRoom();
    dropIdleSockets();
    const put = (text: string): Promise<unknown> =>
      client.request("PUT", endpoint`v3/rooms/${roomId}/send/m.room.message/${text}`, {
        body: { msgtype: "m.text", body: text },
      });
    const calls = texts.flatMap((text) => [() => client.whoami(), () => put(text)]);
    expect(await failuresOf(calls, atATime)).toEqual([]);
    const sent = await textsIn(client, roomId);
    expect(sent).toHaveLength(texts.length);
    expect(new Set(sent)).toEqual(new Set(texts));
  });

  it("makes no POST twice, and says of each whether it may have been processed", async () => {
    const client = await logInOver(closing(tested.open()).fetch);
    const before = await roomsOf(client);
    dropIdleSockets();
    const failures = await failuresOf(
      posts.map(() => () => client.createRoom()),
      4,
    );
    for (const failure of failures) expect(failure).toMatchObject({ name: "ConnectionError", outcomeUnknown: true });
    const answered = posts.length - failures.length;
    const made = (await roomsOf(client)) - before;
    expect(made).toBeGreaterThanOrEqual(answered);
    expect(made).toBeLessThanOrEqual(posts.length);
    if (tested === defaultFetch) expect(failures).toEqual([]);
  });
});
