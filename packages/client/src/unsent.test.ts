import { describe, expect, it } from "vitest";
import { closing } from "./testing/closing.js";
import { fetches } from "./testing/fetches.js";
import { startWire } from "./testing/wire.js";
import { wasNotSent } from "./unsent.js";

const failure = (details: object, cause?: unknown): Error => Object.assign(new Error("failed", { cause }), details);

describe("wasNotSent", () => {
  it.each([
    ["a port that nobody has", failure({ code: "ECONNREFUSED", syscall: "connect" })],
    ["the same in the words of node-fetch", failure({ code: "ECONNREFUSED", erroredSysCall: "connect" })],
    ["the same in the words of Bun", failure({ code: "ConnectionRefused" })],
    ["the same as the cause of another error", failure({}, failure({ code: "ECONNREFUSED" }))],
    ["a connection that takes too long", failure({ code: "ETIMEDOUT", syscall: "connect" })],
    ["the same in the words of undici", failure({}, failure({ code: "UND_ERR_CONNECT_TIMEOUT" }))],
    ["a network that is away", failure({ code: "ENETUNREACH", syscall: "connect" })],
    ["a name that is not found", failure({ code: "ENOTFOUND", syscall: "getaddrinfo" })],
    ["a certificate that has expired", failure({ code: "CERT_HAS_EXPIRED" })],
    ["a certificate of somebody else", failure({ code: "ERR_TLS_CERT_ALTNAME_INVALID" })],
    ["a certificate of one's own", failure({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" })],
    [
      "several addresses of which none answers",
      Object.assign(
        new AggregateError([
          failure({ code: "ETIMEDOUT", syscall: "connect" }),
          failure({ code: "ENETUNREACH", syscall: "connect" }),
        ]),
        { code: "ETIMEDOUT" },
      ),
    ],
  ])("knows %s", (_, error) => {
    expect(wasNotSent(error)).toBe(true);
  });

  it.each([
    ["a connection that was lost", failure({ code: "ECONNRESET", syscall: "read" })],
    ["one that was lost while it was written to", failure({ code: "EPIPE", syscall: "write" })],
    ["a network that went away while an answer was waited for", failure({ code: "EHOSTUNREACH", syscall: "read" })],
    ["the same to node-fetch", failure({ code: "ENETUNREACH", erroredSysCall: "read" })],
    ["a host that stopped to answer", failure({ code: "ETIMEDOUT", syscall: "read" })],
    ["an encrypted answer that arrived damaged", failure({ code: "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC" })],
    ["the same in older words", failure({ code: "EPROTO", syscall: "write" })],
    ["an error without a code", new TypeError("fetch failed")],
    ["several of which one may have got it", new AggregateError([failure({ code: "ECONNREFUSED" }), failure({})])],
    ["none of several", new AggregateError([])],
    ["what is no error", "ECONNREFUSED"],
  ])("does not take for that %s", (_, error) => {
    expect(wasNotSent(error)).toBe(false);
  });

  it("does not look for ever at an error that is its own cause", () => {
    const error = failure({});
    error.cause = error;
    expect(wasNotSent(error)).toBe(false);
  });

  it.each(fetches)("knows a port that nobody has from a lost connection by what $name says", async ({ open }) => {
    const { fetch } = closing(open());
    const wire = await startWire((request) => void request.socket.destroy());
    const failureAt = (url: string): Promise<unknown> =>
      fetch(url, {
        method: "POST",
        headers: {},
        body: "{}",
        redirect: "manual",
        signal: new AbortController().signal,
      }).catch((error: unknown) => error);
    expect(wasNotSent(await failureAt(wire.url))).toBe(false);
    await wire.close();
    for (const host of ["127.0.0.1", "localhost"]) {
      expect(wasNotSent(await failureAt(wire.url.replace("127.0.0.1", host)))).toBe(true);
    }
  });
});
