import type { IncomingMessage } from "node:http";

/** What a request is for: its path, still percent-encoded, and its query. */
export function targetOf(request: IncomingMessage): { path: string; query: URLSearchParams } {
  const target = request.url ?? "/";
  const end = target.indexOf("?");
  if (end === -1) return { path: target, query: new URLSearchParams() };
  return { path: target.slice(0, end), query: new URLSearchParams(target.slice(end)) };
}
