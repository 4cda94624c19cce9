import type { FetchResponse, OwnFetch, OwnFetchInit } from "./fetch.js";

/** How the answer to a request is read, and what its errors are. */
export interface Reading {
  readonly read: (response: FetchResponse) => Promise<string>;
  /** The error to reject with, of what was thrown; `response` is missing when there was no answer yet. */
  readonly problem: (error: unknown, response: FetchResponse | undefined) => Error;
}

/** An answer, and all of its body. */
export interface FetchedText {
  readonly response: FetchResponse;
  readonly text: string;
}

/** Makes one request and reads its whole answer; rejects with the signal's reason when that is aborted. */
export async function fetchText(
  fetch: OwnFetch,
  url: string,
  init: OwnFetchInit,
  { read, problem }: Reading,
): Promise<FetchedText> {
  const { signal } = init;
  // node-fetch ends the process when it is given a body and a signal that is aborted already.
  signal.throwIfAborted();
  let response: FetchResponse | undefined;
  try {
    response = await fetch(url, init);
    return { response, text: await read(response) };
  } catch (error) {
    // Some implementations report an abort in words of their own: what counts is why it was aborted.
    throw signal.aborted ? signal.reason : problem(error, response);
  }
}
