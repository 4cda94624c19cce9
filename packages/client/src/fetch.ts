import type { StopSignal } from "./signals.js";

/** What the client uses of `fetch`: the runtime's own and node-fetch's both have this type. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;

export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly redirect: "manual" | "follow";
  readonly signal: AbortSignal;
  /**
   * Asks for a connection that no other request has used: a homeserver may close an idle one in the moment in which it is used again. A
   * `fetch` that cannot choose does what it does.
   */
  readonly isAlone?: boolean;
}

export interface FetchResponse {
  readonly status: number;
  /** Where the answer came from, after redirects; empty when that is not known. */
  readonly url: string;
  readonly headers: { get(name: string): string | null };
  /** The bytes of the body, as a stream of the web or of Node. */
  readonly body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string> | null;
}

/** A `fetch` of ours, which makes an `AbortSignal` only if it has to. */
export type OwnFetch = (url: string, init: OwnFetchInit) => Promise<FetchResponse>;

export interface OwnFetchInit extends Omit<FetchInit, "signal"> {
  readonly signal: StopSignal;
}

/** A `fetch` that owns sockets. Who opens it closes it. */
export interface OpenedFetch<Opened extends Fetch = Fetch> {
  readonly fetch: Opened;
  readonly close: () => void;
}
