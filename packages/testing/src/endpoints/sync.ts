import { isDeepStrictEqual } from "node:util";
import type { Call } from "../call.js";
import { readSyncFilter } from "../filter.js";
import type { SyncFilter } from "../filter.js";
import type { Homeserver } from "../homeserver.js";
import { isObject } from "../json.js";
import type { JsonObject } from "../json.js";
import { MatrixError, forbidden, invalidParam, notFound } from "../matrix-error.js";
import type { Endpoint } from "../router.js";
import { positionOf } from "../stream.js";
import { answerSync } from "../sync.js";
import type { SyncRequest } from "../sync.js";

/**
 * Syncing, and the filters that are kept for it.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#syncing
 */
export function syncEndpoints(homeserver: Homeserver): Endpoint[] {
  const filters = new Map<string, JsonObject[]>();

  const ownFilters = (call: Call, verb: string): JsonObject[] => {
    const { userId } = call.session();
    if (call.parameter("userId") !== userId) throw forbidden(`Cannot ${verb} filters for other users`);
    const own = filters.get(userId) ?? [];
    filters.set(userId, own);
    return own;
  };

  const filterOf = (call: Call): SyncFilter => {
    const text = call.query.get("filter") ?? "{}";
    if (text.startsWith("{")) return readSyncFilter(parseFilter(text));
    if (!/^\d+$/.test(text)) throw invalidParam("Invalid filter ID");
    const filter = filters.get(call.session().userId)?.[Number(text)];
    if (filter === undefined) throw invalidParam("No such filter");
    return readSyncFilter(filter);
  };

  return [
    {
      method: "GET",
      path: "/_matrix/client/v3/sync",
      answer(call) {
        const reader = call.reader();
        const timeoutMs = call.integer("timeout") ?? 0;
        const fullState = call.word("full_state", ["true", "false"]) === "true";
        const request = { reader, fullState, filter: filterOf(call), since: sinceOf(call) };
        const mayWait = request.since !== undefined && !fullState;
        return longPoll(homeserver, request, mayWait ? timeoutMs : 0, call.signal);
      },
    },
    {
      method: "POST",
      path: "/_matrix/client/v3/user/{userId}/filter",
      answer(call) {
        const own = ownFilters(call, "create");
        const filter = call.body();
        readSyncFilter(filter);
        const known = own.findIndex((other) => isDeepStrictEqual(other, filter));
        return { filter_id: String(known === -1 ? own.push(filter) - 1 : known) };
      },
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/user/{userId}/filter/{filterId}",
      answer(call) {
        const own = ownFilters(call, "get");
        const id = call.parameter("filterId");
        if (!/^\d+$/.test(id)) throw new MatrixError(400, "M_UNKNOWN", "Invalid filter_id");
        const filter = own[Number(id)];
        if (filter === undefined) throw notFound("No such filter");
        return filter;
      },
    },
  ];
}

// Nothing can happen unnoticed between an answer and the wait after it, since there is no `await` in between.
async function longPoll(
  { env, rooms, stream }: Homeserver,
  request: SyncRequest,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<JsonObject> {
  const timeout = new AbortController();
  const cancelTimer = timeoutMs > 0 ? env.startTimer(() => timeout.abort(), timeoutMs) : undefined;
  const over = AbortSignal.any([signal, timeout.signal]);
  try {
    for (;;) {
      const reader = { ...request.reader, now: env.now() };
      const { body, isEmpty } = answerSync(rooms.all(), stream.position, { ...request, reader });
      if (!isEmpty || timeoutMs === 0 || !(await stream.changed(over))) return body;
    }
  } finally {
    cancelTimer?.();
  }
}

function sinceOf(call: Call): number | undefined {
  const token = call.query.get("since");
  if (token === null) return undefined;
  const position = positionOf(token);
  if (position === undefined) throw new MatrixError(400, "M_UNKNOWN", "Invalid stream token");
  return position;
}

function parseFilter(text: string): JsonObject {
  try {
    const filter: unknown = JSON.parse(text);
    if (isObject(filter)) return filter;
  } catch {
    // Refused below.
  }
  throw new MatrixError(400, "M_NOT_JSON", "Invalid filter JSON");
}
