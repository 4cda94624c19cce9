import { openFetch } from "#fetch";
import type { Fetch, OwnFetch } from "./fetch.js";
import { abortSignalOf } from "./signals.js";

/** All that is not deterministic in the client, in one place, so that a test or a simulation can own it. */
export interface Env {
  /** Default: Node's own HTTP with sockets that are kept open, and node-fetch for what is public; elsewhere the runtime's `fetch`. */
  readonly fetch: Fetch;
  /** Milliseconds since 1970. This clock may be set, backwards too. */
  now(): number;
  /** Milliseconds on a clock that only goes forward, from any moment on: for what takes time in this process. */
  readonly monotonicMs: () => number;
  /** Calls `callback` after `delayMs`, which is below 2^31; returns what `clearTimeout` takes. */
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Unpredictable bytes: transaction IDs are made of them. */
  randomBytes(length: number): Uint8Array;
}

/** The world as requests see it. */
export interface OpenEnv extends Env {
  readonly fetch: OwnFetch;
}

/** The runtime's own world but for what `overrides` names; whoever opens it closes it, and with it the sockets. */
export function openEnv(overrides: Partial<Env> = {}): { env: OpenEnv; close: () => void } {
  const given = overrides.fetch?.bind(overrides);
  const { fetch, close } = given ? { fetch: ownFetchOver(given), close: () => {} } : openFetch();
  return { env: { ...worldOf(overrides), fetch }, close };
}

/** All but the `fetch`. What overrides it may be an object of a class. */
export function worldOf(overrides: Partial<Env>): Omit<Env, "fetch"> {
  return {
    now: overrides.now?.bind(overrides) ?? runtime.now,
    monotonicMs: overrides.monotonicMs?.bind(overrides) ?? runtime.monotonicMs,
    setTimeout: overrides.setTimeout?.bind(overrides) ?? runtime.setTimeout,
    clearTimeout: overrides.clearTimeout?.bind(overrides) ?? runtime.clearTimeout,
    randomBytes: overrides.randomBytes?.bind(overrides) ?? runtime.randomBytes,
  };
}

const runtime = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (callback: () => void, delayMs: number): unknown => setTimeout(callback, delayMs),
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the runtime's own setTimeout has returned
  clearTimeout: (timer: unknown) => clearTimeout(timer as ReturnType<typeof setTimeout>),
  randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
};

function ownFetchOver(fetch: Fetch): OwnFetch {
  return (url, init) => fetch(url, { ...init, signal: abortSignalOf(init.signal) });
}
