import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "./json.js";
import { EventReceived, Invited, InvalidEvent, RoomLeft, TimelineGap } from "./messages.js";
import { newsIn } from "./sync-answer.js";

const event = (id: string): JsonObject => ({
  type: "m.room.message",
  event_id: id,
  sender: "@a:b",
  origin_server_ts: 1,
  content: { body: id },
});
const joined = (...events: Json[]): JsonObject => ({ rooms: { join: { "!r": { timeline: { events } } } } });

const messagesOf = (answer: Json, isFirst: boolean): object[] =>
  [...newsIn(answer, isFirst)].map(({ message }) => message);

describe("newsIn", () => {
  it("takes invitations first, then joined rooms, then rooms that were left, each in the order of the answer", () => {
    const room = (id: string): JsonObject => ({ timeline: { events: [event(id)] } });
    const answer = {
      rooms: {
        leave: { "!l": room("$l") },
        join: { "!j1": room("$1"), "!j2": room("$2") },
        invite: { "!i": { invite_state: { events: [{ type: "m.room.name" }, 3] } } },
      },
    };
    expect(messagesOf(answer, false)).toEqual([
      new Invited("!i", [{ type: "m.room.name" }]),
      new EventReceived("!j1", event("$1") as never),
      new EventReceived("!j2", event("$2") as never),
      new EventReceived("!l", event("$l") as never),
      new RoomLeft("!l"),
    ]);
  });

  it("tells of a gap before the events that follow it, but not in the first sync", () => {
    const answer = {
      rooms: { join: { "!r": { timeline: { limited: true, prev_batch: "p", events: [event("$1")] } } } },
    };
    expect(messagesOf(answer, false)).toEqual([
      new TimelineGap("!r", "p"),
      new EventReceived("!r", event("$1") as never),
    ]);
    expect(messagesOf(answer, true)).toHaveLength(1);
  });

  it.each([
    null,
    7,
    "event",
    [],
    {},
    { ...event("$x"), content: null },
    { ...event("$x"), type: 5 },
    { ...event("$x"), sender: [] },
    { ...event("$x"), state_key: 1 },
    { ...event("$x"), origin_server_ts: "now" },
    { type: "m.room.message", sender: "@a:b", origin_server_ts: 1, content: {} },
  ] as Json[])("hands over %j as an invalid event, and loses no neighbour", (bad) => {
    expect(messagesOf(joined(event("$1"), bad, event("$2")), false)).toEqual([
      new EventReceived("!r", event("$1") as never),
      new InvalidEvent("!r", bad),
      new EventReceived("!r", event("$2") as never),
    ]);
  });

  it("takes names such as constructor and __proto__ for names", () => {
    const answer = JSON.parse(
      `{"rooms":{"join":{"__proto__":{"timeline":{"events":[${JSON.stringify(event("constructor"))}]}},"constructor":{}}}}`,
    ) as JsonObject;
    expect(messagesOf(answer, false)).toEqual([new EventReceived("__proto__", event("constructor") as never)]);
  });

  it("understands any JSON without throwing", () => {
    const names = fc.constantFrom(
      "rooms",
      "join",
      "leave",
      "invite",
      "timeline",
      "events",
      "invite_state",
      "limited",
      "x",
    );
    const { anything } = fc.letrec<{ anything: unknown }>((tie) => ({
      anything: fc.oneof(
        { depthSize: "medium" },
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie("anything"), { maxLength: 3 }),
        fc.dictionary(names, tie("anything"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(names, anything), fc.boolean(), (answer, isFirst) => {
        for (const message of messagesOf(answer as Json, isFirst)) expect(message).toBeTypeOf("object");
      }),
      { numRuns: 300 },
    );
  });
});
