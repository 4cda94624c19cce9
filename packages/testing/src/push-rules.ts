import type { JsonObject } from "./json.js";

/**
 * The push rules of a user: a few of the predefined ones, enough for a client to start with.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#predefined-rules
 */
export function pushRules(userId: string): JsonObject {
  return {
    global: {
      override: [rule(".m.rule.master", false, [], []), mention(userId)],
      content: [],
      room: [],
      sender: [],
      underride: [
        rule(".m.rule.message", true, [{ kind: "event_match", key: "type", pattern: "m.room.message" }], ["notify"]),
        rule(
          ".m.rule.encrypted",
          true,
          [{ kind: "event_match", key: "type", pattern: "m.room.encrypted" }],
          ["notify"],
        ),
      ],
    },
  };
}

function mention(userId: string): JsonObject {
  const condition = { kind: "event_property_contains", key: "content.m\\.mentions.user_ids", value: userId };
  return rule(".m.rule.is_user_mention", true, [condition], ["notify", { set_tweak: "highlight" }]);
}

function rule(
  ruleId: string,
  enabled: boolean,
  conditions: JsonObject[],
  actions: (string | JsonObject)[],
): JsonObject {
  return { rule_id: ruleId, default: true, enabled, conditions, actions };
}
